"""A small log of plays whose ways can be learned."""

from __future__ import annotations

import numpy as np

from benchmarks.micro_rank import Log

N_PLAYS, N_TRACKS, N_USERS = 3_000, 90, 24


def a_log(seed: int = 20, renamed: int = 0) -> Log:
    """Users, two at a time, who mostly walk on around a circle of tracks, each with favourites; `renamed` changes bits of every hash."""
    rng = np.random.default_rng(10)
    half = np.tile([0, N_USERS // 2], N_PLAYS // 20)
    slot = np.repeat(rng.integers(0, N_USERS // 2, N_PLAYS // 10) + half, 10)
    start = np.repeat(rng.integers(0, N_TRACKS, N_PLAYS // 10), 10)
    step = np.tile(np.arange(10), N_PLAYS // 10)
    walk = (start + step + (rng.random(N_PLAYS) < 0.1) * rng.integers(0, 9, N_PLAYS)) % N_TRACKS
    track = np.where(rng.random(N_PLAYS) < 0.15, (slot * 7 + rng.integers(0, 3, N_PLAYS)) % N_TRACKS, walk).astype(np.int32)
    key_of = np.random.default_rng(seed).integers(1, 2**63 - 1, N_TRACKS) ^ renamed
    session = np.repeat(np.arange(1, N_PLAYS // 10 + 1), 10)
    turns = np.arange(N_PLAYS).reshape(-1, 2, 10).transpose(0, 2, 1).ravel()
    slot, track, session = slot[turns], track[turns], session[turns]
    return Log(
        slot=slot.astype(np.int32),
        key=key_of[track],
        track=track,
        at_ms=(1_400_000_000 + np.arange(N_PLAYS) * 200) * 1_000,
        ms_played=np.full(N_PLAYS, 200_000, np.int32),
        session=session,
        key_of=key_of,
    )
