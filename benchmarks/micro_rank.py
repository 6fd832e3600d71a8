"""Hit rates and CPU of the rankers over a log of plays: `python -m benchmarks.micro_rank FILE [PRESET ...]`.

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

from online_models import context, covisits, history, neighbours, rank, two_stage, vectors, visits
from online_models.arrays import F32, I32, I64
from online_models.bilinear import Bilinear, new_bilinear
from online_models.candidates import Scratch, gather, new_scratch, popular_weights
from online_models.context import GAPLESS_S
from online_models.covisits import TrackArrays, new_tracks
from online_models.hashmap import find, new_map, put
from online_models.history import new_users
from online_models.items import LAG_UNIT, SKIPPED, WINDOW
from online_models.kernel import kernel
from online_models.mixture import Gate, new_gate
from online_models.moment import Known, person_tag, session_tag
from online_models.neighbours import new_neighbours
from online_models.popularity import TOP, update_top
from online_models.presets import PRESETS, new_ranker
from online_models.rank import Best, new_best
from online_models.two_stage import Pair, Ranker, new_pair
from online_models.vectors import new_vectors
from online_models.visits import new_visits

SEED: Final = 12_345
CHUNK: Final = 500
"""Plays between two looks at what is popular; a worker looks once a round."""
RANKINGS: Final = 4_096
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
def _place(known: Known, s: int, key: int) -> int:
    for j in range(known.users.head[s, history.N_SHOWN]):
        if known.users.shown[s, j] == key:
            return j + 1
    return 0


@kernel
def _learn_tables(known: Known, s: int, t: int, key: int, at_s: int) -> None:
    """What a tracks' partition learns of the newest play of the user in slot `s`."""
    users, tracks = known.users, known.tracks
    tag, person = session_tag(users, s), person_tag(users, s)
    visits.begin(known.visits, t, tag)
    n = users.head[s, history.N_HISTORY] - 1
    for lag in range(1, min(WINDOW, min(n, users.head[s, history.SESSION_N] - 1)) + 1):
        src = users.track[s, n - lag]
        if src != key:
            x = find(tracks.map_keys, tracks.map_slots, src)
            gapless = bool(at_s - np.int64(users.at_s[s, n - lag]) < GAPLESS_S)
            met = neighbours.learn_after(known.neighbours, x, key, lag, at_s, gapless, person)
            vectors.learn(known.vectors, x, key, lag, met)
            met = neighbours.learn_before(known.neighbours, t, src, lag)
            vectors.learn(known.vectors, t, src, lag, met)
            visits.follow(known.visits, x, tag, lag, key)


@kernel
def replay(ranker: Ranker, gate: Gate, weights: Bilinear, known: Known, log: Log, a: int, b: int, pair: Pair, place: I32) -> None:
    """Plays `a` to `b`: `place[i]` becomes the place in the list that was live (0 = missed, -1 = not tested)."""
    users = known.users
    for i in range(a, b):
        s, key, at_ms = log.slot[i], log.key[i], log.at_ms[i]
        place[i] = -1
        if history.same_session(users, s, log.session[i], at_ms):
            place[i] = _place(known, s, key)
            two_stage.learn_one(ranker, gate, weights, s, key, place[i])
        else:
            context.open_session(ranker.pulse, s)
        history.learn_play(users, s, key, at_ms, log.session[i], 0)
        covisits.learn_play(known.tracks, log.track[i], at_ms // 1000, 0, 0)
        _learn_tables(known, s, log.track[i], key, at_ms // 1000)
        r = two_stage.rank_one(ranker, gate, weights, known, s)
        two_stage.pick(ranker, users, s, r, pair)
        users.head[s, history.N_SHOWN] = pair.n[0]
        for j in range(pair.n[0]):
            users.shown[s, j] = pair.next[j]


@kernel
def replay_plain(c: Scratch, best: Best, known: Known, log: Log, a: int, b: int, missing: I64, place: I32) -> None:
    """The same with today's ranker."""
    users, tracks = known.users, known.tracks
    for i in range(a, b):
        s, key, at_ms = log.slot[i], log.key[i], log.at_ms[i]
        place[i] = _place(known, s, key) if history.same_session(users, s, log.session[i], at_ms) else -1
        flags = history.play_flags(log.ms_played[i], 0, 0)
        history.learn_play(users, s, key, at_ms, log.session[i], flags)
        covisits.learn_play(tracks, log.track[i], at_ms // 1000, flags, 0)
        n = users.head[s, history.N_HISTORY] - 1
        for lag in range(1, min(WINDOW, min(n, users.head[s, history.SESSION_N] - 1)) + 1):
            x = find(tracks.map_keys, tracks.map_slots, users.track[s, n - lag])
            weight = LAG_UNIT // lag
            covisits.learn_transition(tracks, x, key, -(weight // 2) if flags & SKIPPED else weight, at_ms // 1000)
        gather(c, users, s, tracks, known.popular, known.popular_weight)
        rank.pick(c, users, s, tracks.map_keys, tracks.map_slots, tracks, best, missing)
        users.head[s, history.N_SHOWN] = best.n[0]
        for j in range(best.n[0]):
            users.shown[s, j] = c.key[best.next[j]]


def new_known(log: Log, n_neighbours: int, n_visits: int) -> Known:
    """Rows of everybody and everything, all in memory; nothing played yet."""
    n_tracks, n_users = len(log.key_of), int(log.slot.max()) + 1
    keys, slots = new_map(n_tracks)
    for t, key in enumerate(log.key_of.tolist()):
        put(keys, slots, key, t)
    return Known(
        users=new_users(n_users, n_users, max(16, n_users // 8)),
        tracks=new_tracks(n_tracks, keys, slots),
        neighbours=new_neighbours(n_tracks, n_neighbours),
        visits=new_visits(n_tracks, n_visits),
        vectors=new_vectors(n_tracks),
        popular=np.zeros(0, np.int64),
        popular_weight=np.zeros(0, np.float32),
    )


class Popular:
    """The most popular tracks, brought up to date between chunks."""

    def __init__(self, key_of: I64) -> None:
        self._key_of, self._top, self._score, self._n = key_of, np.zeros(TOP, np.int64), np.zeros(TOP), 0

    def after(self, tracks: TrackArrays, played: I32) -> tuple[I64, F32]:
        """Hashes and weights once the tracks in the slots `played` were played."""
        self._n = update_top(tracks, played, self._key_of, self._top, self._score, self._n)
        return self._top[: self._n].copy(), popular_weights(self._score[: self._n])


def run(log: Log, preset: str, n_plays: int | None = None) -> tuple[I32, float]:
    """Places of the first `n_plays` plays, and seconds of CPU in the kernel."""
    n = len(log.key) if n_plays is None else n_plays
    place, popular, seconds = np.zeros(n, np.int32), Popular(log.key_of), 0.0
    if preset == "plain":
        known = new_known(log, 1, 1)
        c, best, missing = new_scratch(), new_best(), np.zeros(2, np.int64)
    else:
        p = PRESETS[preset]
        known = new_known(log, p.neighbours, p.visits)
        ranker = new_ranker(p, len(known.users.head), RANKINGS)
        gate, weights, pair = new_gate(), new_bilinear(), new_pair()
    for a in range(0, n, CHUNK):
        b = min(n, a + CHUNK)
        began = time.process_time()
        if preset == "plain":
            replay_plain(c, best, known, log, a, b, missing, place)
        else:
            replay(ranker, gate, weights, known, log, a, b, pair, place)
        seconds += time.process_time() - began
        hashes, weight = popular.after(known.tracks, log.track[a:b])
        known = known._replace(popular=hashes, popular_weight=weight)
    return place, seconds


def quality(place: I32) -> tuple[int, float, float]:
    """Plays tested, HR@20, MRR@20."""
    tested = place[place >= 0]
    hit = tested[tested > 0]
    n = max(len(tested), 1)
    return len(tested), len(hit) / n, float((1.0 / hit).sum()) / n


def main(path: str, presets: list[str]) -> None:
    """Print a line per preset and part of the log."""
    log = read_log(path)
    for preset in presets or ["plain", *PRESETS]:
        run(log, preset, 2 * CHUNK)  # compile
        place, seconds = run(log, preset)
        for name, a, b in PARTS:
            n, hr, mrr = quality(place[int(a * len(place)) : int(b * len(place))])
            print(f"{preset:8s} {name:10s} {n:7d} tested  HR@20 {hr:.4f}  MRR@20 {mrr:.4f}")
        print(f"{preset:8s} {seconds / len(place) * 1e6:.1f} us CPU per play (learn + rank)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
