"""Names in one form: the same name in other letters, and a close spelling of a name that is known well.

A correction needs evidence: the known name was seen often, and far more often than the writing in question. Names are compared
as `folded` leaves them, at most one letter apart (one missing, one more, one other, or two neighbours swapped).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from online_models.cleaning.text import folded

KNOWN_MIN: Final = 5
"""Times a name was seen before a close one may be taken for it."""
TIMES_MORE: Final = 10
"""And so many times more often than the other."""
OWN_MAX: Final = 2
"""A writing that came more often is a name of its own: a slip of the pen seldom comes a third time."""
LETTERS_MIN: Final = 7
"""Shorter names are close to each other by nature: `Train` and `Trains`, `Queen` and `Queens`."""
NAMES_MAX: Final = 200_000
"""Names in memory; some 1 KB each with their neighbourhood."""
AND: Final = re.compile(r"\s*(?:&|\+|\b(?:and|und|et|y)\b|(?<![^\W_])['’]?n['’]?(?![^\W_]))\s*", re.IGNORECASE)


def category_key(name: str) -> str:
    """What a category's writings have in common.

    >>> {category_key(it) for it in ("R&B", "rnb", "r n b", "R 'n' B", "R and B", "r+b")}
    {'rnb'}
    >>> category_key("Hip-Hop") == category_key("hip hop") == category_key("HipHop")
    True
    """
    return folded(AND.sub("n", name))


class Categories:
    """Brings the writings of a category to the one that is seen most; declared writings win.

    >>> genres = Categories(declared=["r&b"])
    >>> genres.one_form("R 'n' B"), genres.one_form("shoegaze")
    ('r&b', 'shoegaze')
    """

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._declared = {category_key(name): name for name in declared}
        self._writings: dict[str, Counter[str]] = {}

    def learn_one(self, name: str) -> None:
        """Count a writing as it came."""
        key = category_key(name)
        if key in self._writings or len(self._writings) < NAMES_MAX:
            self._writings.setdefault(key, Counter())[name] += 1

    def one_form(self, name: str) -> str:
        """The writing that stands for this category."""
        key = category_key(name)
        if key in self._declared:
            return self._declared[key]
        writings = self._writings.get(key)
        if not writings:
            return name
        often = max(writings.values())
        # Of several, the one that came first: a tie must not go back and forth.
        return next(writing for writing, n in writings.items() if n == often)


class Spelling:
    """Takes a rare name for a well-known one that is one letter away.

    Parameters
    ----------
    declared: names that are right however seldom they are, and known however seldom they were seen.

    >>> artists = Spelling()
    >>> for _ in range(KNOWN_MIN):
    ...     artists.learn_one("Metallica")
    >>> artists.correct("Metalica"), artists.correct("METALLICA"), artists.correct("Metallic Sea")
    ('Metallica', None, None)
    """

    def __init__(self, declared: Iterable[str] = (), letters_min: int = LETTERS_MIN) -> None:
        self._letters_min = letters_min
        self._n: Counter[str] = Counter()
        self._name: dict[str, str] = {}
        self._near: dict[str, list[str]] = {}
        self._declared = {folded(name) for name in declared}
        for name in declared:
            self._know(folded(name), name)

    def learn_one(self, name: str) -> None:
        """Count a name as it came: what was corrected too, so that a new name stops being taken for its neighbour."""
        key = folded(name)
        if key in self._name or len(self._name) < NAMES_MAX:
            self._know(key, name)
            self._n[key] += 1

    def correct(self, name: str) -> str | None:
        """The name that was meant; None = this one, or not sure."""
        key = folded(name)
        if len(key) < self._letters_min or key in self._declared or self._n[key] > OWN_MAX:
            return None
        needed = max(KNOWN_MIN, TIMES_MORE * self._n[key])
        found = {near for short in _shorter(key) for near in self._near.get(short, ()) if near != key and is_close(key, near)}
        known = [near for near in found if near in self._declared or self._n[near] >= needed]
        return self._name[known[0]] if len(known) == 1 else None

    def _know(self, key: str, name: str) -> None:
        if key in self._name:
            return
        self._name[key] = name
        if len(key) >= self._letters_min - 1:
            for short in _shorter(key):
                self._near.setdefault(short, []).append(key)


def _shorter(key: str) -> Iterator[str]:
    """The name, and the name without each one of its letters: close names share one of these."""
    yield key
    yield from {key[:i] + key[i + 1 :] for i in range(len(key))}


def is_close(a: str, b: str) -> bool:
    """Are two different names one letter, or one swap of neighbours, apart?

    >>> is_close("metalica", "metallica"), is_close("beyocne", "beyonce"), is_close("queens", "quine")
    (True, True, False)
    """
    if abs(len(a) - len(b)) > 1:
        return False
    i = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[i:], b[i:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[2:] == rest_b[2:] and rest_a[:2] == rest_b[1::-1])
    longer, shorter = (rest_a, rest_b) if len(a) > len(b) else (rest_b, rest_a)
    return longer[1:] == shorter
