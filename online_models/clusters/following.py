"""Clusters that stay themselves while their points move: what is common to those of sound and company and to those of words.

At a review each centre takes one of Lloyd's steps or some, and a cluster is split, or two are merged, where a share of the variance
says so.
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np

from online_models.arrays import F64, I64
from online_models.clusters import partition


class Event(NamedTuple):
    """What happened to a cluster."""

    what: Literal["born", "split", "merged"]
    cluster: int
    """The one that is new (born, split) or gone (merged)."""
    other: int | None
    """The one it was split from, or went into."""
    at: int
    """Tracks seen."""


class Following:
    """Centres, their ids, and what became of them."""

    split_share: ClassVar[float] = partition.SPLIT_SHARE
    merge_share: ClassVar[float] = partition.MERGE_SHARE
    steps: ClassVar[int] = 1
    """Of Lloyd's at a review."""

    def __init__(self) -> None:
        self.n_tracks = 0
        """Seen."""
        self.ids: list[int] = []
        """Of the clusters, in the order of `centres`."""
        self.centres = np.zeros((0, 0))
        self.events: list[Event] = []
        """Of this process since it started; the caller takes them away."""
        self.next_id = 0

    @property
    def number(self) -> int:
        """Clusters there are."""
        return len(self.ids)

    def place(self, points: F64) -> I64:
        """Clusters (m,) of points; there must be some."""
        return np.array(self.ids)[partition.nearest(points, self.centres)]

    def _nearest(self, point: F64) -> int | None:
        return int(self.place(point)[0]) if self.ids else None

    # --- the review ------------------------------------------------------------------------------

    def follow(self, x: F64, labels: I64 | None) -> None:
        """Clusters of the points `x` (m, d), which were in those of `labels` (m,) until now; None = there are no clusters yet."""
        if labels is None:
            self.centres = partition.bisected(x, self.split_share)
            self.ids = [self._born(None) for _ in self.centres]
            return
        for _ in range(self.steps):
            self._move(x, labels)
            labels = partition.nearest(x, self.centres)
        self._merge(x)
        self._split(x)

    def _move(self, x: F64, labels: I64) -> None:
        """Each centre becomes the mean of its members: one of Lloyd's steps, and the first is the way into the new frame."""
        n = np.bincount(labels, minlength=self.number)
        sums = np.stack([np.bincount(labels, x[:, j], self.number) for j in range(x.shape[1])], axis=1)
        centres, gone = sums / np.maximum(n, 1)[:, None], n == 0
        for i in np.flatnonzero(gone)[::-1].tolist():
            self.events.append(Event("merged", self.ids.pop(i), None, self.n_tracks))
        self.centres = centres[~gone]

    def _merge(self, x: F64) -> None:
        """The larger of two keeps its id."""
        least = self.merge_share * float(((x - x.mean(axis=0)) ** 2).sum())
        while self.number > 1:
            n = np.bincount(partition.nearest(x, self.centres), minlength=self.number).astype(float)
            i, j, price = partition.cheapest_merge(self.centres, n)
            if price >= least:
                return
            keeps, goes = (i, j) if n[i] >= n[j] else (j, i)
            self.centres[keeps] = (n[i] * self.centres[i] + n[j] * self.centres[j]) / max(n[i] + n[j], 1.0)
            self.centres = np.delete(self.centres, goes, axis=0)
            self.events.append(Event("merged", self.ids[goes], self.ids[keeps], self.n_tracks))
            del self.ids[goes]

    def _split(self, x: F64) -> None:
        """The larger half keeps the id."""
        least = self.split_share * float(((x - x.mean(axis=0)) ** 2).sum())
        while self.number < partition.CLUSTERS_MAX:
            at, found = partition.dearest_split(x, partition.nearest(x, self.centres), self.number)
            if found.gain < least or found.gain == 0.0:
                return
            more, fewer = sorted((found.lower, found.upper), key=len, reverse=True)
            self.centres[at] = x[more].mean(axis=0)
            self.centres = np.vstack([self.centres, x[fewer].mean(axis=0)])
            self.ids.append(self._born(self.ids[at]))

    def _born(self, parent: int | None) -> int:
        cluster, self.next_id = self.next_id, self.next_id + 1
        self.events.append(Event("born" if parent is None else "split", cluster, parent, self.n_tracks))
        return cluster
