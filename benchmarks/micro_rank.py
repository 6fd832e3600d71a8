"""Hit rates and CPU of the ranker's presets over a log of plays: `python -m benchmarks.micro_rank FILE [PRESET ...]`.

One process, kernels alone, test then learn: each play is looked up in the list that was made after its user's play
before, then learned, then the next list is made. Only plays that go on with a session are tested. FILE is parquet with
`session_id, user_id, song_id, ts` (s) and `playtime` (s); ids are shuffled first, for some files' ids lie in the order of
listening.
"""

from __future__ import annotations

import sys
import time
from typing import Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from online_models.arrays import F32, F64, I32, I64
from online_models.artists import nobody_said
from online_models.events import PLAY, Events
from online_models.hashmap import find, new_map, put
from online_models.history import new_users
from online_models.kernel import kernel
from online_models.moment import Known
from online_models.plays import NO_FINISH, NOT_TESTED, Outcomes, World, handle_one, new_outcomes
from online_models.popularity import TOP, update_top
from online_models.presets import PRESETS, Preset, new_ranker
from online_models.rank import Best, Lists, new_best, new_lists
from online_models.sources.popular import popular_weights
from online_models.track_state import TrackArrays, learn_item, new_tracks
from online_models.two_stage import Ranker
from online_models.weights import Weights, new_weights

SEED: Final = 12_345
CHUNK: Final = 500
"""Plays between two looks at what is popular; a worker looks once a round."""
PARTS: Final = (("40-60 %", 0.4, 0.6), ("last 20 %", 0.8, 1.0), ("all", 0.0, 1.0))
"""Settings are chosen by the first part; the second is what is reported."""


class Log(NamedTuple):
    """Plays in the order of time."""

    slot: I32  # of the user
    key: I64  # hash of the track
    track: I32  # slot of the track
    at_ms: I64
    ms_played: I32
    session: I64
    key_of: I64  # (tracks,) hash of each slot


def read_log(path: str, seed: int = SEED) -> Log:
    """The plays of a file, ids as random hashes."""
    table = pq.read_table(path)
    column = {name: table[name].to_numpy() for name in table.column_names}
    order = np.argsort(column["ts"], kind="stable")
    rng = np.random.default_rng(seed)

    def dense(name: str) -> I32:
        ids, index = np.unique(column[name][order], return_inverse=True)
        return rng.permutation(len(ids))[index].astype(np.int32)

    slot, track, session = dense("user_id"), dense("song_id"), dense("session_id")
    key_of = rng.integers(1, 2**63 - 1, int(track.max()) + 1)
    sessions = rng.integers(1, 2**63 - 1, int(session.max()) + 1)
    return Log(
        slot=slot,
        key=key_of[track],
        track=track,
        at_ms=column["ts"][order].astype(np.int64) * 1000,
        ms_played=(column["playtime"][order] * 1000).astype(np.int32),
        session=sessions[session],
        key_of=key_of,
    )


@kernel
def replay(
    known: Known,
    events: Events,
    a: int,
    b: int,
    world: World,
    ranker: Ranker,
    weights: Weights,
    best: Best,
    lists: Lists,
    out: Outcomes,
    missing: I64,
) -> None:
    """Plays `a` to `b`: `out.rank[i]` becomes the place in the list that was live. Tracks learn of each play at once."""
    tracks = known.tracks
    for i in range(a, b):
        out.n_items[0] = 0
        handle_one(known, events, i, world, ranker, weights, best, lists, 0, out, missing)
        for j in range(out.n_items[0]):
            item = out.items[j]
            learn_item(tracks, find(tracks.map_keys, tracks.map_slots, item.src), item)


def new_known(log: Log, preset: Preset) -> Known:
    """Rows of everybody and everything, all in memory; nothing played yet."""
    n_tracks, n_users = len(log.key_of), int(log.slot.max()) + 1
    keys, slots = new_map(n_tracks)
    for t, key in enumerate(log.key_of.tolist()):
        put(keys, slots, key, t)
    return Known(
        users=new_users(n_users, n_users, max(16, n_users // 8)),
        tracks=new_tracks(n_tracks, keys, slots, preset.neighbours, preset.visits, preset.listeners),
        popular=np.zeros(0, np.int64),
        popular_weight=np.zeros(0, np.float32),
    )


def new_events(log: Log) -> Events:
    """The plays as a worker's kernel takes them."""
    n = len(log.key)
    nothing = np.zeros(n, np.int64)
    return Events(
        slot=log.slot,
        kind=np.full(n, PLAY, np.uint8),
        track=log.key,
        at_ms=log.at_ms,
        event_hash=np.arange(1, n + 1),
        session=log.session,
        ms_played=log.ms_played,
        duration_ms=np.full(n, -1, np.int32),
        ended=np.zeros(n, np.uint8),
        private=np.zeros(n, np.uint8),
        import_source=nothing,
        import_row=nothing,
        target=nothing,
        until_s=np.zeros(n, np.uint32),
        artist=nothing,
        album=nothing,
    )


class Popular:
    """The most popular tracks, brought up to date between chunks."""

    def __init__(self, key_of: I64) -> None:
        self._key_of, self._top, self._score, self._n = key_of, np.zeros(TOP, np.int64), np.zeros(TOP), 0

    def after(self, tracks: TrackArrays, played: I32) -> tuple[I64, F32]:
        """Hashes and weights once the tracks in the slots `played` were played."""
        self._n = update_top(tracks, played, self._key_of, self._top, self._score, self._n)
        return self._top[: self._n].copy(), popular_weights(self._score[: self._n])


def run(
    log: Log, preset: Preset, n_plays: int | None = None, weights: Weights | None = None, popular: Popular | None = None
) -> tuple[I32, F64]:
    """Places of the first `n_plays` plays (-1 = not tested), and seconds of CPU in the kernel for each CHUNK of them.

    `weights` and `popular` are those of a ranker to which nothing was taught, unless they are given.
    """
    n = len(log.key) if n_plays is None else n_plays
    known, events, seconds = new_known(log, preset), new_events(log), []
    weights, popular = weights or new_weights(), popular or Popular(log.key_of)
    tracks = known.tracks
    world = World(nobody_said(tracks.map_keys, tracks.map_slots), NO_FINISH, 0.0, True)
    out, lists, best, missing = new_outcomes(n), new_lists(2), new_best(), np.zeros(2, np.int64)
    ranker = new_ranker(preset)
    for a in range(0, n, CHUNK):
        b = min(n, a + CHUNK)
        began = time.process_time()
        replay(known, events, a, b, world, ranker, weights, best, lists, out, missing)
        seconds.append(time.process_time() - began)
        hashes, weight = popular.after(known.tracks, log.track[a:b])
        known = known._replace(popular=hashes, popular_weight=weight)
    return np.where(out.in_session == 1, out.rank, NOT_TESTED), np.array(seconds)


def quality(place: I32) -> tuple[int, float, float]:
    """Plays tested, HR@20, MRR@20."""
    tested = place[place >= 0]
    hit = tested[tested > 0]
    n = max(len(tested), 1)
    return len(tested), len(hit) / n, float((1.0 / hit).sum()) / n


def main(path: str, presets: list[str]) -> None:
    """Print a line per preset and part of the log."""
    log = read_log(path)
    for preset in presets or PRESETS:
        run(log, PRESETS[preset], 2 * CHUNK)  # compile
        place, seconds = run(log, PRESETS[preset])
        for name, a, b in PARTS:
            n, hr, mrr = quality(place[int(a * len(place)) : int(b * len(place))])
            print(f"{preset:8s} {name:10s} {n:7d} tested  HR@20 {hr:.4f}  MRR@20 {mrr:.4f}")
        print(f"{preset:8s} {seconds.sum() / len(place) * 1e6:.1f} us CPU per play (learn + rank)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
