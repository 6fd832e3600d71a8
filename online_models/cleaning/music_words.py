"""Keys and modes by their names, as DJ software and sheet music write them."""

from __future__ import annotations

import re
from typing import Final

PITCHES: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
"""Pitch classes, 0 = C; H is the German B."""
NAME: Final = re.compile(r"([a-h])\s*(#|♯|sharp|b|♭|flat)?\s*(?:-?\s*(m|maj|min|major|minor|dur|moll))?\.?", re.IGNORECASE)
CAMELOT: Final = re.compile(r"(1[0-2]|[1-9])\s*([AB])", re.IGNORECASE)
MAJOR: Final = frozenset({"major", "maj", "dur", "ionian"})
MINOR: Final = frozenset({"minor", "min", "moll", "aeolian"})


def key_number(text: str) -> float | None:
    """Pitch class 0..11 of a key's name; None = not one.

    >>> key_number("C#"), key_number("E♭ minor"), key_number("8A"), key_number("B"), key_number("x")
    (1.0, 3.0, 9.0, 11.0, None)
    """
    wheel = CAMELOT.fullmatch(text)
    if wheel is not None:
        # 8B is C major and 8A its relative minor; each step is a fifth up.
        return float(((int(wheel[1]) - 8) * 7 + (9 if wheel[2].upper() == "A" else 0)) % 12)
    found = NAME.fullmatch(text)
    if found is None:
        return None
    shift = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}[(found[2] or "").lower()]
    return float((PITCHES[found[1].lower()] + shift) % 12)


def mode_number(text: str) -> float | None:
    """1 = major, 0 = minor; None = neither.

    >>> mode_number("Major"), mode_number("moll"), mode_number("A minor"), mode_number("loud")
    (1.0, 0.0, 0.0, None)
    """
    word = text.lower().split()[-1] if text.split() else ""
    return 1.0 if word in MAJOR else 0.0 if word in MINOR else None
