"""The declared moods of a track: one entry each, and one entry to add one.

After the circumplex of affect (Russell, A circumplex model of affect, 1980): how much energy, how pleasant (valence); where it
helps, how fast. A track may be of several moods or of none, and is of none whose numbers are not known: an estimate tells no mood.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Range = tuple[float, float]
"""Least and most, both included."""
ANY: Final[Range] = (float("-inf"), float("inf"))


class Mood(NamedTuple):
    """One mood and where it lies."""

    name: str
    energy: Range  # share
    valence: Range = ANY  # share
    tempo: Range = ANY  # beats a minute


MOODS: Final[tuple[Mood, ...]] = (
    Mood("happy", energy=(0.5, 1.0), valence=(0.6, 1.0)),
    Mood("energetic", energy=(0.75, 1.0), tempo=(110.0, 300.0)),
    Mood("angry", energy=(0.75, 1.0), valence=(0.0, 0.35)),
    Mood("calm", energy=(0.0, 0.5), valence=(0.4, 1.0), tempo=(20.0, 130.0)),
    Mood("sad", energy=(0.0, 0.5), valence=(0.0, 0.35)),
)
"""Such catalogues are loud: of 28,355 tracks half have an energy above .72. What each mood takes of them: docs/lists-and-charts.md."""
NAMES: Final = tuple(mood.name for mood in MOODS)


def moods_of(energy: float | None, valence: float | None, tempo: float | None) -> tuple[str, ...]:
    """Names of the moods of a track, in the order of the table; None = not known.

    >>> moods_of(0.9, 0.8, 128.0), moods_of(0.3, 0.7, 90.0), moods_of(0.3, 0.2, None), moods_of(None, 0.9, 120.0)
    (('happy', 'energetic'), ('calm',), ('sad',), ())
    """
    return tuple(m.name for m in MOODS if _lies(energy, m.energy) and _lies(valence, m.valence) and _lies(tempo, m.tempo))


def _lies(value: float | None, within: Range) -> bool:
    return within == ANY or (value is not None and within[0] <= value <= within[1])


def described(name: str) -> str:
    """Where a mood lies, in words. Raises `KeyError` for one that is not declared.

    >>> described("calm")
    'energy 0 to 0.5, valence 0.4 to 1, tempo 20 to 130'
    """
    mood = dict(zip(NAMES, MOODS, strict=True))[name]
    bounds = zip(("energy", "valence", "tempo"), mood[1:], strict=True)
    return ", ".join(f"{field} {low:g} to {high:g}" for field, (low, high) in bounds if (low, high) != ANY)
