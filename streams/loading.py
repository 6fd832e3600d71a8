"""Rows and names that a round needs and that are not in memory: a few pipelined reads per round.

Tracks whose partition another worker owns are read from Redis and believed for `STALE_MS` or
`STALE_PLAYS`, whichever ends first (a delay of 100 plays cost nothing measurable, of 1,000 up to .004 HR).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import structlog

from infra.keys import Keys
from infra.settings import Settings
from online_models.arrays import F32, I64
from online_models.artists import NOT_SAID
from online_models.events import Events
from online_models.finish_serving import BadServing, parse
from online_models.items import OF_ALBUM, OF_ARTIST, OF_TRACK, WINDOW
from online_models.micro_genres import NO_MICRO_GENRES, MicroGenres
from online_models.moment import Known
from online_models.needed_rows import albums_needed, artists_needed, tracks_needed
from online_models.plays import FinishModel
from online_models.popularity import TOP
from online_models.presets import PRESETS
from online_models.releases import Releases
from online_models.sources.popular import popular_weights
from streams.ids import hash_field, hash_of_field, track_partition
from streams.micro_genres import ServedMicroGenres
from streams.names import Names
from streams.new_releases import NewReleases
from streams.partitions import TrackPartition, UserPartition
from streams.ports import Store
from streams.row_keys import row_key
from streams.track_rows import OWN, TrackRows
from streams.user_rows import UserRows

log = structlog.get_logger("segue.plays")

STALE_MS: Final = 2_000
STALE_PLAYS: Final = 1_000

NO_TRACKS: Final[I64] = np.zeros(0, np.int64)
NO_WEIGHTS: Final[F32] = np.zeros(0, np.float32)

Top = list[tuple[str, float]]


class About(msgspec.Struct):
    """What is read of a user's `about`."""

    last_track: str | None = None


class Loader:
    """Fills the rows in memory from the store.

    Parameters
    ----------
    owned: the tracks' partitions of this worker; their rows in memory are newer than Redis, never older.
    owned_users: its users' partitions. A partition that changed hands while a row was read has no use for the row.
    lost: told of an owned partition whose token in the store is another's. What its rows say is then the next owner's state:
        were Redis to go back to our token, our next write would put that state in front of a cursor that does not know it.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        users: UserRows,
        tracks: TrackRows,
        names: Names,
        owned: Mapping[int, TrackPartition],
        owned_users: Mapping[int, UserPartition],
        lost: Callable[[UserPartition | TrackPartition], None],
    ) -> None:
        self._settings, self._store, self._users, self._tracks, self._names = settings, store, users, tracks, names
        self._owned, self._owned_users, self._lost = owned, owned_users, lost
        self._keys = Keys(settings.namespace)
        preset = PRESETS[settings.preset]
        self._n_past = preset.past[0]
        self._made = [(OF_ARTIST, artists_needed)] * (preset.made > 0) + [(OF_ALBUM, albums_needed)] * (preset.album > 0)
        self.genres = ServedMicroGenres(settings, store, names)
        self._releases = NewReleases(settings, store, names, self.genres)
        self._plays_seen = 0
        self._renewed_ms = 0
        self._popular_ms = -STALE_MS
        self._foreign_top: list[Top] = []
        self._model_ms = -STALE_MS
        self._model_raw = b""
        self._loads = {"user": 0, "track": 0}

    def take_loads(self) -> dict[str, int]:
        """Rows read from the store since the last call, by kind."""
        taken, self._loads = self._loads, {"user": 0, "track": 0}
        return taken

    async def users(self, wanted: Mapping[str, int], round_n: int) -> None:
        """Make sure that the rows of users (id -> partition) are in memory."""
        users = list(wanted)
        slots = self._users.find(users)
        self._users.touch(slots, round_n)
        missing = [users[i] for i in np.flatnonzero(slots < 0).tolist()]
        self._users.make_room(len(missing), round_n, len(users))
        keys = [self._keys.user(wanted[user], user) for user in missing]
        self._loads["user"] += len(keys)
        owners = dict(self._owned_users)
        rows = await self._rows(keys, [owners[n] for n in {wanted[user] for user in missing} & owners.keys()])
        for user, row in zip(missing, rows, strict=True):
            n = wanted[user]
            if user not in self._users.slot_of and n in owners and self._owned_users.get(n) is owners[n]:
                self._users.load(user, n, row)
        slots = self._users.find(users) if missing else slots
        self._users.touch(slots, round_n)
        await self._last_tracks(wanted, users, self._users.last_tracks(slots))

    async def _last_tracks(self, wanted: Mapping[str, int], users: list[str], last: I64) -> None:
        """Names of the tracks that `about` shows as the last when the round brings a user no newer play.

        The tracks' side may not have written a name yet; then the user's own `about` has it.
        """
        if self._names.all_known(last):
            return
        tracks = last.tolist()
        await self.names(tracks)
        nameless = [user for user, track in zip(users, tracks, strict=True) if track and self._names.id(track) is None]
        abouts = await self._store.read([(self._keys.user(wanted[user], user), "about") for user in nameless]) if nameless else []
        for about in abouts:
            name = msgspec.json.decode(about, type=About).last_track if about else None
            if name is not None:
                self._names.learn(name)

    async def tracks_for(self, events: Events, now_ms: int, round_n: int, mark: I64) -> None:
        """Make sure that the rows which ranking these events reads are in memory, and fresh enough."""
        n = len(events.kind)
        self._plays_seen += n
        if self._plays_seen >= STALE_PLAYS:
            self._plays_seen, self._renewed_ms = 0, now_ms
        stale_ms = max(now_ms - STALE_MS, self._renewed_ms)
        out = np.empty(n * (1 + WINDOW + self._n_past), np.int64)
        t = self._tracks
        known = Known(self._users.arrays, t.arrays, NO_TRACKS, NO_WEIGHTS)
        k = tracks_needed(known, events, self._n_past, t.loaded_ms, t.touched, stale_ms, mark, round_n, out)
        if k:
            # Where memory is short the last ones of the round are ranked without some of their rows.
            await self._rows_that_fit(out[:k], OF_TRACK, now_ms, round_n)
        if t.arrays.n_made[0] or events.artist.any():
            for whose, needed in self._made:
                k = needed(known, events, t.loaded_ms, t.touched, stale_ms, round_n, out)
                if k:
                    await self._rows_that_fit(out[:k], whose, now_ms, round_n)

    async def _rows_that_fit(self, wanted: I64, whose: int, now_ms: int, round_n: int) -> None:
        hashes = list(dict.fromkeys(wanted.tolist()))
        await self.rows(hashes[: self._tracks.fits(len(hashes), round_n)], whose, now_ms, round_n)

    async def rows(self, wanted: list[int], whose: int, now_ms: int, round_n: int) -> None:
        """Read these rows, of tracks, artists or albums, and the names of the tracks in them; a track's own name, too."""
        if whose == OF_TRACK:
            await self.names(wanted)
            await self._take_in([(h, self._names.id(h)) for h in wanted], whose, now_ms, round_n)
        else:
            await self._take_in([(h, hash_field(h)) for h in wanted], whose, now_ms, round_n)

    async def _take_in(self, wanted: Sequence[tuple[int, str | None]], whose: int, now_ms: int, round_n: int) -> None:
        """Read the rows of (hash, id); what has no id has no row either."""
        parts = [track_partition(h, self._settings.deltas_partitions) for h, _ in wanted]
        keys = [row_key(self._keys, whose, q, name) for q, (_, name) in zip(parts, wanted, strict=True) if name is not None]
        self._loads["track"] += len(keys)
        owners = dict(self._owned)
        rows = iter(await self._rows(keys, [owners[q] for q in set(parts) & owners.keys()]))
        self._tracks.make_room(len(wanted), round_n)
        for q, (h, name) in zip(parts, wanted, strict=True):
            row = next(rows) if name is not None else None
            if self._owned.get(q) is not owners.get(q) or self._keeps(h, q):
                continue
            self._tracks.load(h, q, name if whose == OF_TRACK else None, row, OWN if q in self._owned else now_ms, whose)
        slots = self._tracks.slots(np.array([h for h, _ in wanted], np.int64))
        slots = slots[slots >= 0]
        self._tracks.touched[slots] = round_n
        await self.names(np.unique(self._tracks.neighbours(slots)).tolist())

    async def _rows(self, keys: Sequence[str], owned: Sequence[UserPartition | TrackPartition]) -> list[bytes | None]:
        """Rows behind `keys`, and whose they were in the same moment: a partition of `owned` that is another's is `lost`."""
        if not keys:
            return []
        cursors = [self._keys.user_cursor(p.n) if isinstance(p, UserPartition) else self._keys.track_cursor(p.n) for p in owned]
        # Both fields of both kinds of key, for the store answers keys of the same fields and partition in one atomic step.
        found = await self._store.read_many([(key, ("row", "token")) for key in (*keys, *cursors)])
        for partition, (_, token) in zip(owned, found[len(keys) :], strict=True):
            if (token or b"").decode() != partition.token:
                self._lost(partition)
        return [row for row, _ in found[: len(keys)]]

    def _keeps(self, track: int, partition: int) -> bool:
        """Is our own row already there (loaded or changed while we waited)?"""
        if partition not in self._owned:
            return False
        return int(self._tracks.slots(np.array([track], np.int64))[0]) >= 0

    async def names(self, wanted: Iterable[int]) -> None:
        """Learn the ids behind hashes, as far as anybody knows them."""
        await self._ask(self._names.unknown(list(wanted)))

    async def missing(self, wanted: Iterable[int]) -> None:
        """Learn the ids behind hashes, who made the tracks, as far as plays said it, and in which micro-genre they are."""
        tracks = list(wanted)
        await self._ask(self._names.unasked(tracks))
        await self.genres.ask(tracks)

    async def _ask(self, tracks: Iterable[int]) -> None:
        by_part: dict[int, list[int]] = {}
        for h in tracks:
            q = track_partition(h, self._settings.deltas_partitions)
            fresh = self._owned[q].new_ids.get(h) if q in self._owned else None
            if fresh is not None:
                self._names.learn(fresh)
            elif h:
                by_part.setdefault(q, []).append(h)
        if not by_part:
            return
        # Both hashes of a partition are read in one atomic step: whoever has the name has the artist that was written with it.
        fields = {q: [hash_field(h) for h in hs] for q, hs in by_part.items()}
        keys = [(key(q), fields[q]) for q in by_part for key in (self._keys.track_ids, self._keys.track_artists)]
        answers = iter(await self._store.read_many(keys))
        for hashes, ids, artists in zip(by_part.values(), answers, answers, strict=True):
            told = [(h, name, who) for h, name, who in zip(hashes, ids, artists, strict=True) if name is not None]
            for _, name, _ in told:
                self._names.learn(name.decode())
            self._names.note_artists([h for h, _, _ in told], [hash_of_field(who) if who else NOT_SAID for _, _, who in told])

    async def popular(self, now_ms: int) -> tuple[I64, np.ndarray]:
        """The most popular tracks over all partitions: hashes, best first, and the weights of the source."""
        if now_ms - self._popular_ms >= STALE_MS:
            self._popular_ms = now_ms
            await self._read_foreign_top()
        hashes = [p.top[: p.n_top] for p in self._owned.values()]
        scores = [p.top_score[: p.n_top] for p in self._owned.values()]
        for top in self._foreign_top:
            hashes.append(np.array([self._names.hash(name) for name, _ in top], np.int64))
            scores.append(np.array([score for _, score in top]))
        if not hashes:
            return NO_TRACKS, NO_WEIGHTS
        track, score = np.concatenate(hashes), np.concatenate(scores)
        best = np.lexsort((track, -score))[:TOP]
        return track[best], popular_weights(score[best])

    async def new_releases(self, now_ms: int) -> Releases:
        """What is new, and how the micro-genres are; `micro_genres` is of the same reading."""
        return await self._releases.current(is_read=await self.genres.renew(now_ms))

    def micro_genres(self) -> MicroGenres:
        """In which micro-genre tracks are, for the ranker; good until the next name."""
        return self.genres.current() if self._settings.taste else NO_MICRO_GENRES

    async def finish_model(self, now_ms: int) -> tuple[FinishModel, int] | None:
        """The finish model that was published last, if it is newer than what the last call gave."""
        if now_ms - self._model_ms < STALE_MS:
            return None
        self._model_ms = now_ms
        raw = (await self._store.text([self._keys.serving("finish")]))[0]
        if not raw or raw == self._model_raw:
            return None
        self._model_raw = raw
        try:
            s = parse(raw)
        except BadServing as error:
            log.error("finish model refused", why=str(error))
            return None
        return FinishModel(s.kind, s.weights, s.bias, s.feature, s.threshold, s.left, s.right, s.leaf), s.version

    async def _read_foreign_top(self) -> None:
        foreign = [q for q in range(self._settings.deltas_partitions) if q not in self._owned]
        raw = await self._store.text([self._keys.popular(q) for q in foreign]) if foreign else []
        self._foreign_top = [msgspec.json.decode(text, type=Top) for text in raw if text]
