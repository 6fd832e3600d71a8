"""A ranking in memory: one user's row and the tracks' rows that it reads, ranked as the worker ranks.

Rows are read as a worker reads them and ranked by its own kernel, so that what is said of a ranking is what a
worker would do with the same rows. The kernel is given an event that changes nothing, or plays on a throw-away user.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from infra.keys import Keys
from infra.settings import Settings
from online_models import history, plays, rank, track_state
from online_models.arrays import F32, I32, I64, U8
from online_models.artists import NOT_SAID
from online_models.clusters.served import Cluster, cluster_of
from online_models.events import PLAY, RESUME, Events
from online_models.items import OF_ALBUM, OF_ARTIST, OF_TRACK
from online_models.micro_genres import NOWHERE
from online_models.moment import Known, newest_past
from online_models.plays import World
from online_models.presets import PRESETS, new_ranker
from online_models.weights import Weights, new_weights, newest
from streams.ids import hash_field, track_partition
from streams.loading import Loader
from streams.names import Names
from streams.partitions import UserPartition
from streams.ports import Store
from streams.row_keys import row_key
from streams.track_rows import TrackRows
from streams.user_rows import UserRows, unpack

ROWS_MAX: Final = 6_144
"""Tracks' rows held: 24 MB with `fast`. The longest radio meets some 60 new tracks per step, of which the oldest give way."""
NAMES_MAX: Final = 1 << 20


class Ranked(NamedTuple):
    """One ranking, candidate by candidate, in the order in which they were met; copies, so that the next ranking leaves them alone."""

    key: I64  # (n,) hashes
    chance: F32  # (n,) as `next` is sorted
    fresh: F32  # (n,) `discover` is sorted by so much of it
    score: F32  # (n,) of stage 1: part @ signal
    via: I32  # (n,) bits of the plays that brought it
    signal: F32  # (N_SIGNALS, n)
    part: F32  # (N_SIGNALS,) what stage 1 gives one unit of each signal
    share: F32  # (N_SIGNALS,) its trust in each signal
    context: F32  # (N_CONTEXTS,)
    chosen: I32  # (m,) candidates that stage 2 saw
    x: F32  # (N_FEATURES, m) their features
    weight: F32  # (N_FEATURES,) of the features in this context
    cluster: I32  # (m,) micro-genres they are in, -1 = not known
    leans: F32  # (m, 2) shares of their genre in the user's taste, and of their micro-genre in the session
    next: I32  # candidates, best first
    discover: I32
    session: I64  # (k,) the session's last distinct tracks, newest first: bit k of `via`
    of_artist: I64  # those of the session that the last one's artist made
    past: I64  # tracks before the session's last ones, newest first: the bits behind `moment.PAST_BIT`

    def place(self, key: int) -> int:
        """Which candidate `key` is, or -1."""
        found = np.flatnonzero(self.key == key)
        return int(found[0]) if len(found) else -1


class SmallRanking:
    """Rows in memory, and the kernel.

    Parameters
    ----------
    store: where the rows are; only read.

    What reads may raise `streams.user_rows.BadRow` or `online_models.weights.BadWeights`: rows or weights of another release.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        preset = PRESETS[settings.preset]
        self.settings, self._store = settings, store
        self._keys = Keys(settings.namespace)
        self.users, self.tracks = UserRows(16), TrackRows(ROWS_MAX, preset)
        self.names = Names(NAMES_MAX, settings.id_key.encode())
        self._partitions: dict[int, UserPartition] = {}
        self._loader = Loader(settings, store, self.users, self.tracks, self.names, {}, self._partitions, lambda _: None)
        self.ranker, self._best = new_ranker(preset, 16), rank.new_best()
        self._lists, self._missing = rank.new_lists(2), np.zeros(4096, np.int64)
        self._round = self._n_events = 0
        self._row = b""
        self._absent: set[int] = set()
        """Tracks, artists and albums that have no row, or none that is known by name."""
        self.weights: Weights = new_weights()
        self.popular: tuple[I64, Any] = (np.zeros(0, np.int64), np.zeros(0, np.float32))

    # --- what is read ---

    async def open(self, user_id: str, partition: int, row: bytes | None) -> None:
        """Take the user's row in (None = somebody who never did anything), the weights and what is popular."""
        self._row = row or b""
        self.users.load(user_id, partition, row)
        tracks, _, _ = self.history
        await self.load_rows(np.unique(tracks))
        self.popular = await self._loader.popular(0)
        await self._loader.genres.renew(0)
        keys = [self._keys.ranker(p) for p in range(self.settings.events_partitions)]
        found = newest(dict(zip(keys, await self._store.text(keys), strict=True)))
        self.weights = found[1] if found else new_weights()

    async def load_rows(self, wanted: I64) -> int:
        """Read rows and names of these tracks, as far as they are not in memory; returns how many rows came."""
        hashes = self._not_here(wanted)
        await self._loader.names(hashes)
        return await self._load(hashes, {h: name for h in hashes if (name := self.names.id(h)) is not None}, OF_TRACK)

    async def _load_made(self, session: I64) -> int:
        """The same of the artist of the session's last track, and of its album."""
        n = 0
        for whose, of in ((OF_ARTIST, self.last_artist(session)), (OF_ALBUM, self.last_album(session))):
            hashes = self._not_here(np.array(of, np.int64))
            n += await self._load(hashes, {h: hash_field(h) for h in hashes}, whose)
        return n

    def last_artist(self, session: I64) -> list[int]:
        """Whose row is read in a ranking of this session (tracks, newest first); [] = nobody's."""
        return [artist for artist in self._artists(session[:1]).tolist() if artist != NOT_SAID]

    def _artists(self, tracks: I64) -> I64:
        """(n,) who made them, as their rows say; NOT_SAID also where a row is not in memory."""
        slots = self.tracks.slots(tracks)
        artists: I64 = np.where(slots >= 0, self.tracks.arrays.head[slots, track_state.ARTIST], NOT_SAID)
        return artists

    def last_album(self, session: I64) -> list[int]:
        """The same of the album."""
        album = int(self.users.arrays.head[self.slot, history.ALBUM])
        return [album] if len(session) and album != NOT_SAID else []

    def _not_here(self, wanted: I64) -> list[int]:
        """Those whose rows are not in memory and may be in the store; the others are kept."""
        slots = self.tracks.slots(wanted)
        self.tracks.touched[slots[slots >= 0]] = self._round
        return [h for h in dict.fromkeys(wanted[slots < 0].tolist()) if h not in self._absent]

    async def _load(self, hashes: list[int], id_of: dict[int, str], whose: int) -> int:
        """Read rows, as many as fit; what has no id has none. Returns how many came."""
        known = [(h, track_partition(h, self.settings.deltas_partitions), some_id) for h, some_id in id_of.items()]
        known = known[: self.tracks.fits(len(known), self._round)]
        rows = await self._store.read([(row_key(self._keys, whose, q, some_id), "row") for _, q, some_id in known]) if known else []
        self.tracks.make_room(len(known), self._round)
        for (h, q, some_id), row in zip(known, rows, strict=True):
            if row is not None:
                self.tracks.load(h, q, some_id if whose == OF_TRACK else None, row, 0, whose)
        found = self.tracks.slots(np.array(hashes, np.int64))
        self.tracks.touched[found[found >= 0]] = self._round
        self._absent.update(h for h, slot in zip(hashes, found.tolist(), strict=True) if slot < 0)
        return int(np.count_nonzero(found >= 0))

    async def _load_around(self, found: Ranked) -> int:
        """Rows of all candidates of a ranking, those that it read or would have, and where tracks belong; returns how many came."""
        n = await self.load_rows(np.concatenate((found.key, found.session, found.past)))
        n += await self._load_made(found.session)
        return n + await self._loader.genres.ask(np.unique(self._missing[1 : 1 + self._missing[0]]).tolist())

    # --- the user's row ---

    @property
    def history(self) -> tuple[I64, Any, U8]:
        """The user's kept plays, oldest first: hashes, times (s), flags. Views."""
        u, n = self.users.arrays, int(self.users.arrays.head[self.slot, history.N_HISTORY])
        return u.track[self.slot, :n], u.at_s[self.slot, :n], u.flags[self.slot, :n]

    @property
    def slot(self) -> int:
        """Of the one user."""
        return next(iter(self.users.slot_of.values()))

    @property
    def session_n(self) -> int:
        """Plays of the user's session that are kept."""
        head = self.users.arrays.head[self.slot]
        return int(min(head[history.N_HISTORY], head[history.SESSION_N]))

    def put_back(self) -> None:
        """The user is as Redis has them."""
        if self._row:
            unpack(self.users.arrays, self.slot, np.frombuffer(self._row, np.uint8))
        else:
            history.reset(self.users.arrays, self.slot)

    def forget(self, out: Any) -> None:
        """Take plays out of the history: `out` (n,) says which. Counts and the memory of what was ever played stay."""
        u, s = self.users.arrays, self.slot
        n, session_n = int(u.head[s, history.N_HISTORY]), self.session_n
        keep = ~np.asarray(out, np.bool_)
        left = int(keep.sum())
        for column in (u.track, u.at_s, u.event, u.flags):
            column[s, :left] = column[s, :n][keep]
        u.head[s, history.N_HISTORY] = left
        u.head[s, history.ALBUM] *= n > 0 and bool(keep[-1])
        u.head[s, history.SESSION_N] = int(keep[n - session_n :].sum())

    # --- ranking ---

    # Events are numbered: so small a number is no real event's hash, and none is taken for a repeat.
    def _event(self, kind: int, track: int, at_ms: int) -> Events:
        self._n_events += 1

        def one(value: int, kind: Any) -> Any:
            return np.full(1, value, kind)

        return Events(
            slot=one(self.slot, np.int32),
            kind=one(kind, np.uint8),
            track=one(track, np.int64),
            at_ms=one(at_ms, np.int64),
            event_hash=one(self._n_events, np.int64),
            session=one(self.users.arrays.head[self.slot, history.SESSION], np.int64),
            ms_played=one(-1, np.int32),
            duration_ms=one(-1, np.int32),
            ended=one(1, np.uint8),
            private=one(0, np.uint8),
            import_source=one(0, np.int64),
            import_row=one(0, np.int64),
            target=one(0, np.int64),
            until_s=one(0, np.uint32),
            artist=one(0, np.int64),
            album=one(0, np.int64),
        )

    def nothing(self) -> Events:
        """An event that changes nothing and is answered by a ranking, as of the last play: somebody who is not paused goes on."""
        return self._event(RESUME, 0, int(self.users.arrays.head[self.slot, history.LAST_AT]))

    def a_play(self, track: int, at_ms: int) -> Events:
        """A play that goes on with the user's session, heard to its end."""
        return self._event(PLAY, track, at_ms)

    def rank(self, events: Events, *, worn: bool = True) -> Ranked:
        """Handle one event and rank, with the rows that are in memory; the weights learn nothing.

        Without `worn`, what lists showed and the user passed over counts in full: a copy of a user is shown no lists.
        """
        tracks, users = self.tracks.arrays, self.users.arrays
        known = Known(users, tracks, *self.popular, self._loader.micro_genres())
        cap = rank.Cap(self.settings.artist_max_next, self.settings.artist_max)
        worn_next, worn_discover = (self.settings.fatigue_next, self.settings.fatigue) if worn else (0.0, 0.0)
        world = World(self.names.table(), plays.NO_FINISH, 0.0, False, cap=cap, fatigue=worn_discover, fatigue_next=worn_next)
        out = plays.new_outcomes(1)
        self._missing[0] = 0
        users.head[self.slot, history.PAUSED] = 0
        plays.handle(known, events, world, self.ranker, self.weights, self._best, self._lists, out, self._missing)
        assert out.outcome[0] == plays.APPLIED, "an event of our own is no repeat"
        return self._ranked()

    def _ranked(self) -> Ranked:
        ranker, pool, work = self.ranker, self.ranker.pool, self.ranker.work
        n, r = int(pool.n[0]), int(self.users.arrays.head[self.slot, history.RANKING]) - 1
        m = int(ranker.rankings.n[r])
        part, signal = ranker.rankings.part[r].copy(), pool.signal[:, :n].copy()
        tracks, _, _ = self.history
        earlier = tracks[: newest_past(self.users.arrays, self.slot) + 1]
        session = ranker.moment.key[: ranker.moment.n[0]].copy()
        return Ranked(
            key=pool.key[:n].copy(),
            chance=pool.chance[:n].copy(),
            fresh=pool.fresh[:n].copy(),
            score=part @ signal,
            via=pool.via[:n].copy(),
            signal=signal,
            part=part,
            share=ranker.rankings.share[r].copy(),
            context=ranker.rankings.context[r].copy(),
            chosen=ranker.chosen[:m].copy(),
            x=work.x[:, :m].copy(),
            weight=work.blend.copy(),
            **self._leans(m),
            next=self._best.next[: self._best.n[0]].copy(),
            discover=self._best.discover[: self._best.n[1]].copy(),
            session=session,
            of_artist=session[np.isin(self._artists(session), self.last_artist(session))],
            past=earlier[::-1][: int(ranker.reach.past[0])].copy(),
        )

    def _leans(self, m: int) -> dict[str, Any]:
        taste, genres = self.ranker.taste, self._loader.micro_genres()
        cluster = taste.cluster[:m].copy() if len(genres.micro) else np.full(m, NOWHERE, np.int32)
        leans = np.zeros((m, 2), np.float32)
        for column, number, share in ((0, genres.genre, taste.genre), (1, genres.micro, taste.micro)):
            known = [k for k in np.flatnonzero(cluster >= 0).tolist() if number[cluster[k]] >= 0]
            leans[known, column] = share[number[cluster[known]]]
        return {"cluster": cluster, "leans": leans}

    def micro_genre(self, cluster: int) -> Cluster | None:
        """The micro-genre that a track of `Ranked.cluster` is in now."""
        served = self._loader.genres.served
        return None if served is None else cluster_of(cluster, served)

    async def rank_without(self, out: Any = None) -> Ranked:
        """The ranking that a worker would make of the user now, had they not played what `out` (n,) says of their history.

        The rows of all candidates are in memory, as a worker has most of them.
        """
        while True:
            self.put_back()
            if out is not None:
                self.forget(out)
            self._round += 1
            found = self.rank(self.nothing())
            if not await self._load_around(found):
                return found

    async def rank_behind(self, track: int, at_ms: int) -> Ranked:
        """Play `track` on a copy of the user, and rank; the rows of all candidates are in memory."""
        await self.load_rows(np.array([track], np.int64))
        found = self.rank(self.a_play(track, at_ms), worn=False)
        self._round += 1
        while await self._load_around(found):
            found = self.rank(self.nothing(), worn=False)
        return found
