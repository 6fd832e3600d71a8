"""What the user played near the session's last tracks in earlier sessions, against plain sums; and what a ranking is told of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.random import Generator

from online_models import context, history, signals
from online_models.arrays import F32
from online_models.context import CONTEXTS, N_CONTEXTS
from online_models.hashmap import new_map
from online_models.history import HISTORY, new_users
from online_models.items import SKIPPED, WINDOW
from online_models.moment import Known, look, new_moment
from online_models.pool import Pool, index, new_pool
from online_models.presets import PRESETS
from online_models.sources import own
from online_models.track_state import new_tracks

USER = 2


class Play(NamedTuple):
    track: int
    session: int
    skipped: bool


def plays_of(rng: Generator, n: int, n_tracks: int) -> list[Play]:
    """Sessions of one to thirty plays, one in seven of them a skip."""
    lengths = rng.integers(1, 30, n)
    session = np.repeat(np.arange(1, n + 1), lengths)[:n]
    track, skipped = rng.integers(1, n_tracks + 1, n) * 1_000_003, rng.random(n) < 1 / 7
    return [Play(int(t), int(s), bool(k)) for t, s, k in zip(track, session, skipped, strict=True)]


def known_of(plays: list[Play]) -> Known:
    users = new_users(4, 1, 1)
    for i, play in enumerate(plays):
        history.learn_play(users, USER, play.track, 1_000_000 + i * 200_000, play.session, SKIPPED if play.skipped else 0, i + 1)
    tracks = new_tracks(1, *new_map(1), 1, 1, 1)
    return Known(users, tracks, np.zeros(0, np.int64), np.zeros(0, np.float32))


def ranked(known: Known) -> Pool:
    """What the source says."""
    pool, moment = new_pool(), new_moment()
    look(moment, known, USER)
    own.add(pool, known, USER, moment, PRESETS["fast"].reach())
    return pool


class Near(NamedTuple):
    value: dict[int, float]
    by: dict[int, set[int]]
    """Which of the session's last tracks, 0 = the newest, brought it."""


def plainly(plays: list[Play]) -> Near:
    kept = plays[-HISTORY:]
    here = [play for play in kept if play.session == kept[-1].session]
    earlier = kept[: len(kept) - len(here)]
    last = list(dict.fromkeys(play.track for play in reversed(here[-WINDOW:])))
    value, by = dict[int, float](), dict[int, set[int]]()
    for i, anchor in enumerate(earlier):
        for j, other in enumerate(earlier):
            if anchor.track in last and 1 <= abs(i - j) <= 10 and not other.skipped:
                k = last.index(anchor.track)
                value[other.track] = value.get(other.track, 0.0) + 0.85**k * 0.9 ** (abs(i - j) - 1)
                by.setdefault(other.track, set()).add(k)
    return Near(value, by)


@pytest.mark.parametrize("n", [1, 2, 25, HISTORY, HISTORY + 40])
@pytest.mark.parametrize("n_tracks", [3, 30, 300])
def test_it_is_the_sum_of_what_was_near(n: int, n_tracks: int) -> None:
    for seed in range(4):
        plays = plays_of(np.random.default_rng([seed, n, n_tracks]), n, n_tracks)
        pool, wanted = ranked(known_of(plays)), plainly(plays)
        said = {int(pool.key[i]): float(pool.signal[signals.OWN_NEAR, i]) for i in range(pool.n[0]) if pool.signal[signals.OWN_NEAR, i]}
        assert said == pytest.approx(wanted.value, rel=1e-4)
        for track, ks in wanted.by.items():
            assert {k for k in range(WINDOW) if pool.via[index(pool, track)] >> k & 1} >= ks, "its plays can be named"


def test_plays_of_this_session_are_no_earlier_ones() -> None:
    plays = [Play(track, 1, False) for track in (1, 2, 3, 1, 2)]
    pool = ranked(known_of(plays))
    assert pool.n[0] == 3 and not pool.signal[signals.OWN_NEAR].any()
    pool = ranked(known_of([*plays, Play(1, 2, False)]))
    assert pool.signal[signals.OWN_NEAR, index(pool, 2)] > 0.0


def told(plays: list[Play], best: dict[int, float]) -> dict[str, float]:
    """The context, where these are the largest values of some signals."""
    known, pool, moment = known_of(plays), new_pool(), new_moment()
    pool.n[0] = 13
    for signal, value in best.items():
        pool.signal[signal, 5], pool.signal[signal, 6] = value, value / 2
    look(moment, known, USER)
    x: F32 = np.zeros(N_CONTEXTS, np.float32)
    context.fill(x, known, USER, moment, pool)
    return dict(zip(CONTEXTS, x.tolist(), strict=True))


def test_a_ranking_is_told_how_well_the_moment_is_known() -> None:
    new, old = [Play(7, 1, False)], [Play(t, 1, False) for t in (7, *range(8, 8 + HISTORY - 2), 7)]
    assert told(new, {})["heard"] == 0.0 and told(old, {})["heard"] == 1.0
    assert told([*old, Play(1, 1, False)], {})["heard"] == 0.0
    assert told([], {})["heard"] == 0.0 and told([], {})["history"] == pytest.approx(-0.5, abs=1e-3)
    assert told([], {})["history"] < told(new, {})["history"] < told(old, {})["history"] == pytest.approx(0.5, abs=0.01)
    sure = told(new, {signals.NEXT: 0.25, signals.OWN_NEXT: 1.0, signals.ALIKE_ALIGNED: 0.5})
    assert (sure["certain"], sure["aligned_certain"]) == (0.25, 0.5)
    assert sure["own_certain"] == pytest.approx(0.417 * np.log(11.0), abs=1e-3)
    unsure = told(new, {})
    assert unsure["certain"] == unsure["aligned_certain"] == 0.0 == pytest.approx(unsure["own_certain"], abs=1e-3)
