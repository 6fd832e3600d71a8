"""Presets of the learned ranker: how much it keeps and reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.aims import N_AIMS
from online_models.bilinear import new_work
from online_models.history import HISTORY
from online_models.items import WINDOW
from online_models.kindred import PLACES_EACH
from online_models.marks import LIKED_MAX
from online_models.moment import BAG, PAST_BIT, Reach, new_moment
from online_models.pool import CANDIDATES_MAX, new_pool
from online_models.popularity import TOP
from online_models.rank import CAUSES
from online_models.rankings import new_rankings
from online_models.releases import RELEASES_MAX
from online_models.sources.popular import FEW
from online_models.taste import new_taste
from online_models.two_stage import Ranker
from online_models.vectors import DIMENSIONS


class Preset(NamedTuple):
    """Bounds of what is kept per track and read per ranking."""

    neighbours: int
    """Kept per track."""
    visits: int
    """Kept per track."""
    listeners: int
    """Kept per track: a power of two."""
    read: tuple[int, ...]
    """Neighbours read of the k-th last track: the far ones only need their best."""
    visits_read: tuple[int, ...]
    past: tuple[int, int]
    """Tracks before the session's last ones that are asked, and neighbours read of each."""
    popular: int
    made: int
    """Tracks read of the last track's artist; 0 = the artist's row is not read."""
    album: int
    """The same of the album that the last play was of."""
    best: int
    """Candidates that stage 2 ranks."""

    def reach(self) -> Reach:
        """How far the sources read. Raises `ValueError` where they could overflow their scratch."""
        beside = self.popular + self.made + self.album + LIKED_MAX + RELEASES_MAX
        met = sum(self.read) + HISTORY + self.past[0] * self.past[1] + beside
        few = FEW + TOP + self.made + self.album + LIKED_MAX + RELEASES_MAX
        if max(met, few) > CANDIDATES_MAX or sum(self.visits_read) > BAG // 2 or self.past[0] > CAUSES - PAST_BIT:
            raise ValueError(f"{met} candidates of {CANDIDATES_MAX}, {sum(self.visits_read)} visits of {BAG // 2}, past {self.past}")
        return Reach(
            neighbours=np.array(self.read, np.int32),
            visits=np.array(self.visits_read, np.int32),
            past=np.array(self.past, np.int32),
            popular=np.array([self.popular], np.int32),
            made=np.array([self.made], np.int32),
            album=np.array([self.album], np.int32),
        )


PRESETS = {
    "fast": Preset(
        neighbours=48,
        visits=16,
        listeners=32,
        read=(48, 32, 20, 12, 8, 6, 4, 4, 4, 4),
        visits_read=(16, 16, 12, 12, 10, 8, 6, 6, 6, 6),
        past=(5, 12),
        popular=20,
        made=32,
        album=24,
        best=64,
    ),
    "quality": Preset(
        neighbours=128,
        visits=40,
        listeners=256,
        read=(128, 96, 64, 40, 24, 16, 12, 8, 8, 8),
        visits_read=(40,) * WINDOW,
        past=(5, 20),
        popular=40,
        made=16,
        album=24,
        best=104,
    ),
}


RANKINGS = 4_096
"""Rankings that wait for their user's next play, per worker (9.7 KB each with `fast`): with 16,384 the hit rate is the same on 30Music."""


def new_ranker(preset: Preset, n_rankings: int = RANKINGS) -> Ranker:
    """Scratch and the rankings that wait."""
    return Ranker(
        pool=new_pool(),
        moment=new_moment(),
        reach=preset.reach(),
        rankings=new_rankings(n_rankings, preset.best),
        work=new_work(preset.best),
        aims=np.zeros((N_AIMS, DIMENSIONS), np.float32),
        kin=np.zeros(PLACES_EACH * preset.listeners, np.uint16),
        chosen=np.zeros(preset.best, np.int32),
        slot=np.zeros(preset.best, np.int32),
        taste=new_taste(preset.best),
    )
