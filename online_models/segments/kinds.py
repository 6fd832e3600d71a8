"""Kinds of listeners: clusters of what listeners are like over time, whose number the data decide and whose ids stay.

A listener is a point whenever the models of segments ask about them: how much of what they play is new to them, how long they listen, how
often they come, how popular it is, whether they hear it out. A fair sample of these points is reviewed whenever a quarter more was seen, as
micro-genres are (`clusters/following.py`): centres follow their members, and a kind is split, or two are merged, where a share of the
variance says so. A pure fold of the points: no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Self

import msgspec
import numpy as np

from online_models.arrays import F64
from online_models.clusters.following import Following
from online_models.clusters.partition import nearest
from online_models.clusters.sample import place
from online_models.model import BadSnapshot

IN_WORDS: Final = {
    "new_share": ("what they know", "much that is new"),
    "plays_per_session_log": ("short sessions", "long sessions"),
    "hours_away_usually_log": ("never long away", "long away"),
    "return_share": ("seldom back within a week", "back within a week"),
    "plays_of_week_log": ("few plays a week", "many plays a week"),
    "popularity_log": ("what few play", "what many play"),
    "finish_share": ("breaks off", "hears out"),
}
"""What a kind is told by: a feature of a listener, and the words for little and much of it."""
FEATURES: Final = tuple(IN_WORDS)
SAMPLE_N: Final = 2_048
FIRST_N: Final = 500
"""Points before there are kinds."""
GROWTH: Final = 1.25
FAR: Final = 3.0
"""Deviations beyond which a listener is as unusual as can be: without a bound a few of them are a kind of their own."""
WORDS_N: Final = 2
"""Features that name a kind: those in which it is furthest from everybody."""
PLAIN: Final = 0.3
"""Deviations: who is nearer than this to everybody in all features has no words."""


class Kind(msgspec.Struct, frozen=True):
    """One kind, as of the last review."""

    id: int
    """For ever."""
    name: str
    share: float
    """Of the sample."""
    centre: list[float]
    """Of FEATURES, in deviations from everybody's mean."""


class ServedKinds(msgspec.Struct, frozen=True):
    """What a reader needs to say which kind somebody is."""

    features: list[str] = []
    mean: list[float] = []
    deviation: list[float] = []
    kinds: list[Kind] = []

    def fits(self) -> bool:
        """Can this build say of somebody which kind they are?"""
        n = len(self.features)
        columns = (self.mean, self.deviation, *(kind.centre for kind in self.kinds))
        return not self.kinds or (self.features == list(FEATURES) and all(len(column) == n for column in columns))

    def of(self, x: Mapping[str, float]) -> Kind | None:
        """The kind of a listener with these features; None = there are no kinds yet."""
        if not self.kinds:
            return None
        point = standard(np.array([x[name] for name in self.features]), np.array(self.mean), np.array(self.deviation))
        apart = [float(((point - kind.centre) ** 2).sum()) for kind in self.kinds]
        return self.kinds[apart.index(min(apart))]


class _Meta(msgspec.Struct, frozen=True):
    n: int
    next_id: int
    review_at: int
    ids: list[int]


class Kinds(Following):
    """Streaming clusters of listeners.

    >>> kinds = Kinds()
    >>> kinds.learn_one(dict.fromkeys(FEATURES, 0.0)), kinds.number, kinds.served().kinds
    (None, 0, [])
    """

    split_share: ClassVar[float] = 0.06
    """Chosen on the first 60 % of 30Music: kinds of two halves of the listeners agree by an adjusted Rand of .8 (4 kinds); with .04 by .6
    (6 kinds), with .02 by .5 (8 to 10)."""
    merge_share: ClassVar[float] = 0.024

    def __init__(self) -> None:
        super().__init__()
        self.review_at = FIRST_N
        self._sample = np.zeros((0, len(FEATURES)))
        self._mean, self._deviation = np.zeros(len(FEATURES)), np.ones(len(FEATURES))
        self._shares = np.zeros(0)

    def learn_one(self, x: Mapping[str, float]) -> None:
        """Take in a listener as they are now."""
        self.n_tracks += 1
        at = place(self.n_tracks, SAMPLE_N)
        if at is not None:
            point = np.array([x[name] for name in FEATURES])
            assert np.isfinite(point).all(), "features of a listener are finite"
            if at == len(self._sample):
                self._sample = np.vstack([self._sample, point])
            else:
                self._sample[at] = point
        if self.n_tracks >= self.review_at:
            self._review()

    def _review(self) -> None:
        self.review_at = int(self.n_tracks * GROWTH)
        labels = nearest(self._points(), self.centres) if self.ids else None
        deviation = self._sample.std(axis=0)
        self._mean, self._deviation = self._sample.mean(axis=0), np.where(deviation > 0.0, deviation, 1.0)
        x = self._points()
        self.follow(x, labels)
        self._shares = np.bincount(nearest(x, self.centres), minlength=self.number) / len(x)

    def _points(self) -> F64:
        return standard(self._sample, self._mean, self._deviation)

    def served(self) -> ServedKinds:
        """As of the last review, the largest first."""
        kinds = [
            Kind(kind, named(centre), round(float(share), 6), [round(value, 6) for value in centre.tolist()])
            for kind, centre, share in zip(self.ids, self.centres, self._shares, strict=True)
        ]
        kinds.sort(key=lambda kind: (-kind.share, kind.id))
        return ServedKinds(list(FEATURES), self._mean.tolist(), self._deviation.tolist(), kinds)

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        meta = _Meta(self.n_tracks, self.next_id, self.review_at, self.ids)
        columns = {"sample": self._sample, "mean": self._mean, "deviation": self._deviation}
        columns |= {"centres": self.centres, "shares": self._shares}
        return {"meta": msgspec.json.encode(meta), **{name: column.astype("<f8").tobytes() for name, column in columns.items()}}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The kinds that made `parts`; none = those of a snapshot of before there were kinds. Raises `BadSnapshot`."""
        kinds = cls()
        if not parts:
            return kinds
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            kinds.n_tracks, kinds.next_id, kinds.review_at, kinds.ids = meta.n, meta.next_id, meta.review_at, meta.ids
            width = len(FEATURES)
            kinds._sample = np.frombuffer(parts["sample"], "<f8").reshape(min(meta.n, SAMPLE_N), width).copy()
            kinds._mean, kinds._deviation = (np.frombuffer(parts[name], "<f8").reshape(width) for name in ("mean", "deviation"))
            if meta.ids:
                kinds.centres = np.frombuffer(parts["centres"], "<f8").reshape(len(meta.ids), width).copy()
            kinds._shares = np.frombuffer(parts["shares"], "<f8").reshape(len(meta.ids))
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return kinds


def named(centre: F64) -> str:
    """In words, from what it is like beside everybody (d,).

    >>> named(np.array([1.2, 0.0, 0.1, 0.0, -0.9, 0.0, 0.0]))
    'much that is new, few plays a week'
    >>> named(np.zeros(7))
    'like most'
    """
    furthest = sorted(range(len(centre)), key=lambda j: (-abs(centre[j]), j))[:WORDS_N]
    told = [IN_WORDS[FEATURES[j]][int(centre[j] > 0.0)] for j in furthest if abs(centre[j]) >= PLAIN]
    return ", ".join(told) or "like most"


def standard(x: F64, mean: F64, deviation: F64) -> F64:
    """Points in deviations from the mean, as far as FAR."""
    return np.clip((x - mean) / deviation, -FAR, FAR)
