"""Presets of the learned ranker: how much it keeps and reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.bilinear import new_work
from online_models.context import new_pulse
from online_models.history import HISTORY
from online_models.items import WINDOW
from online_models.moment import BAG, Reach, new_moment
from online_models.pool import CANDIDATES_MAX, new_pool
from online_models.rankings import new_rankings
from online_models.two_stage import Ranker
from online_models.vectors import DIMENSIONS, N_AIMS


class Preset(NamedTuple):
    """Bounds of what is kept per track and read per ranking."""

    neighbours: int
    """Kept per track."""
    visits: int
    """Kept per track."""
    read: tuple[int, ...]
    """Neighbours read of the k-th last track: the far ones only need their best."""
    visits_read: tuple[int, ...]
    past: tuple[int, int]
    """Tracks of earlier sessions that are asked, and neighbours read of each."""
    popular: int
    best: int
    """Candidates that stage 2 ranks."""

    def reach(self) -> Reach:
        """How far the sources read. Raises `ValueError` where they could overflow their scratch."""
        met = sum(self.read) + HISTORY + self.past[0] * self.past[1] + self.popular
        if met > CANDIDATES_MAX or sum(self.visits_read) > BAG // 2:
            raise ValueError(f"{met} candidates of {CANDIDATES_MAX}, {sum(self.visits_read)} visits of {BAG // 2}")
        return Reach(
            neighbours=np.array(self.read, np.int32),
            visits=np.array(self.visits_read, np.int32),
            past=np.array(self.past, np.int32),
            popular=np.array([self.popular], np.int32),
        )


PRESETS = {
    "fast": Preset(
        neighbours=64,
        visits=20,
        read=(64, 40, 24, 16, 12, 8, 6, 4, 4, 4),
        visits_read=(20, 20, 20, 15, 15, 10, 10, 10, 10, 10),
        past=(3, 16),
        popular=20,
        best=56,
    ),
    "quality": Preset(
        neighbours=128,
        visits=40,
        read=(128, 96, 64, 40, 24, 16, 12, 8, 8, 8),
        visits_read=(40,) * WINDOW,
        past=(5, 20),
        popular=40,
        best=80,
    ),
}


def new_ranker(preset: Preset, n_users: int, n_rankings: int) -> Ranker:
    """Scratch and the rankings that wait, for `n_users` slots."""
    return Ranker(
        pool=new_pool(),
        moment=new_moment(),
        reach=preset.reach(),
        rankings=new_rankings(n_rankings, preset.best, n_users),
        work=new_work(preset.best),
        aims=np.zeros((N_AIMS, DIMENSIONS), np.float32),
        chosen=np.zeros(preset.best, np.int32),
        pulse=new_pulse(n_users),
    )
