"""The declared features of a track: one entry each, and one entry to add one.

An entry names the fields of a clean row that it is read from, its group, its scaling policy, and how it is worked out. A row that
lacks one of the fields goes without the feature: its column then stands where the scaling puts an unknown value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from online_models.cleaning.fields import TRACK
from online_models.cleaning.verdicts import Value
from online_models.model import BadLesson

Policy = Literal["standardised", "normalised", "log"]
"""Mean 0 and variance 1; 0 to 1 between the least and the most seen; the logarithm, standardised."""
Group = Literal["sound", "harmony", "mood", "release", "attention"]

FLOORS: Final = {"speechiness": 0.01, "acousticness": 0.001, "instrumentalness": 1e-5, "liveness": 0.01, "duration_ms": 0.0}
"""Added before a logarithm: a hundredth of the share below which Spotify's analysis says that there is none of it."""
FIFTHS: Final = 7
"""Semitones of a fifth: keys that share six of their seven tones are neighbours on its circle."""
SEMITONES: Final = 12
TEMPO_CLASSES: Final = (76.0, 108.0, 120.0, 156.0, 200.0)
"""Upper bounds, beats a minute: adagio, andante, moderato, allegro, presto; above is prestissimo."""


class Feature(NamedTuple):
    """One number of a track."""

    name: str
    group: Group
    policy: Policy
    fields: tuple[str, ...]
    of: Callable[..., float]
    """The fields' values -> the feature before scaling."""


def _same(name: str, group: Group, policy: Policy = "standardised") -> Feature:
    """A field as it is; a logarithm where the policy says so."""
    if policy == "log":
        floor = FLOORS[name]
        return Feature(name, group, policy, (name,), lambda value: math.log(value + floor))
    return Feature(name, group, policy, (name,), float)


def _on_circle(turn: Callable[[float], float]) -> Callable[[float], float]:
    """Sine or cosine of the key's place on the circle of fifths."""
    return lambda key: turn(2.0 * math.pi * (key * FIFTHS % SEMITONES) / SEMITONES)


def _relative_major(key: float, mode: float) -> float:
    """The signature: a minor key shares its tones with the major three semitones above. Accidentals -5..6, 0 = C major.

    >>> _relative_major(9, 0), _relative_major(7, 1), _relative_major(5, 1)
    (0.0, 1.0, -1.0)
    """
    fifths = (key + (0 if mode else 3)) * FIFTHS % SEMITONES
    return float(fifths if fifths <= 6 else fifths - SEMITONES)


def tempo_class(bpm: float) -> float:
    """0 = slowest of six.

    >>> tempo_class(60), tempo_class(128), tempo_class(250)
    (0.0, 3.0, 5.0)
    """
    return float(sum(bpm > bound for bound in TEMPO_CLASSES))


def _octave(bpm: float) -> float:
    """Tempo within a doubling: estimators of tempo take 75 for 150 and back."""
    return math.log2(bpm) % 1.0


def _year(released: str) -> float:
    return float(released[:4])


def _decade(released: str) -> float:
    return float(_year(released) // 10 * 10)


FEATURES: Final[tuple[Feature, ...]] = (
    _same("danceability", "sound"),
    _same("energy", "sound"),
    _same("valence", "sound"),
    _same("loudness", "sound"),
    _same("tempo", "sound"),
    _same("speechiness", "sound", "log"),
    _same("acousticness", "sound", "log"),
    _same("instrumentalness", "sound", "log"),
    _same("liveness", "sound", "log"),
    _same("duration_ms", "sound", "log"),
    _same("mode", "harmony", "normalised"),
    Feature("key_sine", "harmony", "normalised", ("key",), _on_circle(math.sin)),
    Feature("key_cosine", "harmony", "normalised", ("key",), _on_circle(math.cos)),
    Feature("accidentals", "harmony", "standardised", ("key", "mode"), _relative_major),
    Feature("happy", "mood", "standardised", ("energy", "valence"), lambda energy, valence: energy * valence),
    Feature("angry", "mood", "standardised", ("energy", "valence"), lambda energy, valence: energy * (1.0 - valence)),
    Feature("calm", "mood", "standardised", ("energy", "valence"), lambda energy, valence: (1.0 - energy) * valence),
    Feature("groove", "mood", "standardised", ("danceability", "valence"), lambda dance, valence: dance * valence),
    Feature("drive", "mood", "standardised", ("energy", "danceability"), lambda energy, dance: energy - dance),
    Feature("punch", "mood", "standardised", ("energy", "loudness"), lambda energy, loudness: energy + loudness / 20.0),
    Feature("tempo_class", "mood", "normalised", ("tempo",), tempo_class),
    Feature("tempo_octave", "mood", "normalised", ("tempo",), _octave),
    Feature("year", "release", "standardised", ("released",), _year),
    Feature("decade", "release", "standardised", ("released",), _decade),
    Feature("popularity", "attention", "standardised", ("popularity",), float),
    Feature("explicit", "attention", "normalised", ("explicit",), float),
)
BOUNDS: Final = {field: (TRACK[field].low, TRACK[field].high) for feature in FEATURES for field in feature.fields if field != "released"}
"""Of the numbers that are read."""
AUDIO_GROUPS: Final[tuple[Group, ...]] = ("sound", "harmony", "mood", "release")
"""What the recording itself tells, and when it was released."""
GROUPS: Final[tuple[Group, ...]] = (*AUDIO_GROUPS, "attention")


def of_groups(groups: Iterable[str]) -> tuple[Feature, ...]:
    """The features of these groups, in the order of the table."""
    wanted = frozenset(groups)
    return tuple(feature for feature in FEATURES if feature.group in wanted)


def refuse_bad_values(values: Mapping[str, Value]) -> None:
    """Raises `BadLesson` for a number that is not finite or outside its field's declared range; other fields are ignored."""
    for name, value in values.items():
        if name in TRACK and TRACK[name].kind == "number":
            _refuse_bad_number(name, value)


def _refuse_bad_number(name: str, value: Value) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise BadLesson("not-finite", f"{name}={value!r}")
    field = TRACK[name]
    if not field.low <= value <= field.high:
        raise BadLesson("range", f"{name}={value} is not in [{field.low}, {field.high}]")


def read(features: Iterable[Feature], values: Mapping[str, Value]) -> dict[str, float]:
    """The features of a clean row before scaling; those whose fields are absent or unusable are left out.

    >>> found = read(of_groups(["sound", "harmony"]), {"tempo": 120.0, "key": 0, "energy": float("nan"), "mode": "major"})
    >>> sorted(found)
    ['key_cosine', 'key_sine', 'tempo']
    """
    usable = {name: value for name, value in values.items() if name in BOUNDS and _is_usable(name, value)}
    if isinstance(values.get("released"), str) and str(values["released"])[:4].isdecimal():
        usable["released"] = values["released"]
    return {it.name: it.of(*[usable[field] for field in it.fields]) for it in features if all(field in usable for field in it.fields)}


def _is_usable(name: str, value: Value) -> bool:
    low, high = BOUNDS[name]
    return isinstance(value, int | float) and low <= value <= high
