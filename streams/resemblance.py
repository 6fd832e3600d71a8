"""Which tracks are like a track: those that are played near it, and those that keep the same company.

Two views of what people play, from the tracks' rows. *Near*: how often the two were within ten plays of each other in somebody's
session, against how often each was near anything (the cosine of item-based nearest neighbours). *Company*: the cosine of the two
vectors, which are sketches of whom each was played near (`online_models/vectors.py`): it also finds tracks that never met.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

import numpy as np

from online_models.arrays import F32, I32, I64
from online_models.neighbours import NEAR, NEXT
from online_models.presets import PRESETS
from streams.small_ranking import SmallRanking
from streams.track_rows import TrackRows

SECOND: Final = 24
"""Neighbours whose own neighbours are candidates too."""
SECOND_READ: Final = 24
"""Neighbours read of each of those."""
PLAINLY: Final = 2.0
"""One view speaks for a track where it gives so many times what the other gives."""

_ONE: Final = 1
"""Hash under which a row is looked at and given up."""

PLAYED_NEAR, SAME_COMPANY, BOTH = "played near it", "the same company", "both"


class Alike(NamedTuple):
    """A track that is like the seed."""

    track: int
    score: float
    """Mean of `near` and `company`, each as a share of the best candidate's: compares within one answer."""
    near: float
    """0..1."""
    company: float
    """Cosine, -1..1; two tracks with nothing in common come to +-.13."""
    followed: int
    """How often it came right after the seed."""
    says: str


def unit_vectors(world: SmallRanking, slots: I32) -> F32:
    """Vectors of length 1 of the rows in `slots` (n,) -> (n, DIMENSIONS); 0 for a track that was played near nothing."""
    vectors = world.tracks.arrays.vectors[slots]
    unit: F32 = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return unit


async def candidates(world: SmallRanking, seed: int) -> I64:
    """Hashes of the seed's neighbours and of the neighbours of the strongest; their rows are in memory then."""
    await world.load_rows(np.array([seed], np.int64))
    slot = world.tracks.slots(np.array([seed], np.int64))
    first = world.tracks.neighbours(slot)
    await world.load_rows(first)
    near = world.tracks.slots(first[:SECOND])
    rows = world.tracks.arrays.neighbours
    second = [rows.dst[s, : min(rows.n[s], SECOND_READ)] for s in near[near >= 0].tolist()]
    found: I64 = np.unique(np.concatenate((first, *second)))
    await world.load_rows(found)
    others: I64 = found[found != seed]
    return others


def compare(world: SmallRanking, seed: int, others: I64) -> list[Alike]:
    """The seed beside `others` (n,), the most alike first; left out is what has nothing in common with it, or no row in memory."""
    slot = int(world.tracks.slots(np.array([seed], np.int64))[0])
    slots = world.tracks.slots(others)
    others, slots = others[slots >= 0], slots[slots >= 0]
    if slot < 0 or not len(others):
        return []
    near, followed = _near(world, slot, seed, others, slots)
    company = unit_vectors(world, slots) @ unit_vectors(world, np.array([slot], np.int32))[0]
    by_near, by_company = near / max(near.max(), 1e-9), np.maximum(company, 0.0) / max(company.max(), 1e-9)
    score = (by_near + by_company) / 2
    some = np.flatnonzero(score > 0).tolist()
    order = sorted(some, key=lambda j: (-score[j], world.names.id(int(others[j])) or ""))
    return [
        Alike(int(others[j]), float(score[j]), float(near[j]), float(company[j]), int(followed[j]), _says(by_near[j], by_company[j]))
        for j in order
    ]


def _says(near: float, company: float) -> str:
    if near > PLAINLY * company:
        return PLAYED_NEAR
    return SAME_COMPANY if company > PLAINLY * near else BOTH


def _near(world: SmallRanking, slot: int, seed: int, others: I64, slots: I32) -> tuple[F32, F32]:
    """(n,) how near `others` are played, and how often each came right after the seed. Either row may have let the other go."""
    rows = world.tracks.arrays.neighbours
    held = {int(dst): e for e, dst in enumerate(rows.dst[slot, : rows.n[slot]])}
    there = [held.get(int(other), -1) for other in others]
    mine = np.array([rows.counts[slot, e, NEAR] if e >= 0 else 0.0 for e in there], np.float32)
    followed = np.array([rows.counts[slot, e, NEXT] if e >= 0 else 0.0 for e in there], np.float32)
    is_seed = (rows.dst[slots] == seed) & (np.arange(rows.dst.shape[1]) < rows.n[slots][:, None])
    theirs = (rows.counts[slots, :, NEAR] * is_seed).sum(1)
    total = np.sqrt(np.maximum(rows.total[slots, NEAR] * rows.total[slot, NEAR], 1e-9))
    return np.maximum(mine, theirs) / total, followed


class Nearest:
    """The `n` tracks whose vectors lie nearest to the seed's, of all that are shown."""

    def __init__(self, world: SmallRanking, seed: int, n: int) -> None:
        self._world, self._seed, self._n = world, seed, n
        self._direction = unit_vectors(world, world.tracks.slots(np.array([seed], np.int64)))[0]
        self._one = TrackRows(1, PRESETS[world.settings.preset])
        self._best: dict[int, float] = {}

    def show(self, rows: Iterable[tuple[str, bytes | None]]) -> None:
        """Some tracks and their rows. Raises `BadRow`."""
        for name, row in rows:
            track = self._world.names.hash(name)
            if row is None or track == self._seed:
                continue
            self._one.load(_ONE, 0, name, row, 0)
            vector = self._one.arrays.vectors[self._one.slots(np.array([_ONE], np.int64))[0]]
            self._best[track] = float(vector @ self._direction / max(np.linalg.norm(vector), 1e-6))
        kept = sorted(self._best.items(), key=lambda pair: (-pair[1], self._world.names.id(pair[0]) or ""))
        self._best = dict(kept[: self._n])

    def hashes(self) -> I64:
        """The nearest, nearest first."""
        return np.array(list(self._best), np.int64)


class Scored(Protocol):
    """A track with a score."""

    @property
    def score(self) -> float: ...


def by_artist(found: Iterable[tuple[Scored, str | None]]) -> list[tuple[str, float]]:
    """Artists of alike tracks, by the sum of their tracks' scores; best first."""
    total: dict[str, float] = {}
    for alike, artist in found:
        if artist is not None:
            total[artist] = total.get(artist, 0.0) + alike.score
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))


def together(answers: Iterable[list[Alike]], leave_out: set[int]) -> list[Alike]:
    """Several seeds' answers as one: a track's best view of each kind, the mean of its scores over all seeds."""
    lists = list(answers)
    found: dict[int, list[Alike]] = {}
    for answer in lists:
        for alike in answer:
            if alike.track not in leave_out:
                found.setdefault(alike.track, []).append(alike)
    merged = [_merged(some, len(lists)) for some in found.values()]
    return sorted(merged, key=lambda alike: (-alike.score, alike.track))


def _merged(some: list[Alike], n_seeds: int) -> Alike:
    best = max(some, key=lambda alike: alike.score)
    return best._replace(
        score=sum(alike.score for alike in some) / n_seeds,
        near=max(alike.near for alike in some),
        company=max(alike.company for alike in some),
        followed=sum(alike.followed for alike in some),
    )
