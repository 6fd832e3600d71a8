"""The path of a play, from top to bottom. Start here.

A round takes every record that is ready on all owned partitions and makes of it, for each partition, one
*fenced apply* (what changes in Redis) and what is to be *published* once that apply stands:

1. `take`: decode and judge the records; bad ones become dead letters with a reason.
2. Rows that ranking will read are loaded (`streams/loading.py`).
3. `handle`: one kernel goes through the events in the order of the log. For each it tests the list that was
   live, learns the play into the user's row, notes what tracks and models shall learn of it, and ranks the
   user's next two lists (`online_models/plays.py`).
4. The lists become JSON here; `streams/making.py` makes the changed rows bytes and the notes numbered sections.

No I/O and no clock in here: the rows are in memory, the time is an argument. Who calls it: `streams/user_side.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, cast

import msgspec
import numpy as np

from infra.settings import Settings
from online_models import plays, rank
from online_models.arrays import F32, I32, I64, U8
from online_models.events import Events
from online_models.micro_genres import NO_MICRO_GENRES, MicroGenres
from online_models.moment import Known
from online_models.plays import FinishModel, World
from online_models.presets import PRESETS, RANKINGS, new_ranker
from online_models.releases import NO_RELEASES, Releases
from online_models.weights import Weights, new_weights
from streams.artists import ArtistHashes
from streams.erasures import Erasures
from streams.intake import Batch, Intake, condemn
from streams.making import Maker
from streams.names import Names
from streams.observe import Observer, Silent
from streams.partitions import UserPartition
from streams.people import People
from streams.ports import Record
from streams.ranker_drift import RankerDrift
from streams.render import N_PARTS, TOLD_MAX, NameText, Written, bytes_max, pieces, render
from streams.round_work import Made, RoundWork, Taken
from streams.track_rows import TrackRows
from streams.user_rows import UserRows

LISTS_AT_ONCE: Final = 32
"""List pairs written at a time: a buffer of 200 KB, which malloc keeps; a round's 6 MB would be fresh pages each time."""
MISSING_MAX: Final = 4096
"""Names noted as missing per round; the others are noted again when they are met again."""
_quote = msgspec.json.Encoder().encode


class Pipeline:
    """Pure: rows and records in, rows and records out.

    Parameters
    ----------
    users, tracks, names: the rows in memory, shared with the loading and the tracks' side.
    observe: told when the kernel has gone through a round, while its lists are still arrays.
    """

    def __init__(self, settings: Settings, users: UserRows, tracks: TrackRows, names: Names, observe: Observer | None = None) -> None:
        self._settings, self._users, self._tracks, self._names = settings, users, tracks, names
        self._observe = observe or Silent()
        self._intake = Intake(settings.events_partitions)
        self._artists = ArtistHashes(settings.id_key.encode())
        self._cap = rank.Cap(settings.artist_max_next, settings.artist_max)
        self.erasures = Erasures(settings.namespace, settings.id_key.encode())
        self.weights: Weights = new_weights()
        """What the ranker has learned, one set for all partitions."""
        self.ranker_learns = True
        self._people = People(settings.id_key.encode())
        self.drift = RankerDrift(self.weights, settings.drift)
        self._maker = Maker(settings, users, names, self.erasures, self.weights, self.drift)
        self._ranker = new_ranker(PRESETS[settings.preset], min(RANKINGS, settings.user_rows_max))
        self._best, self._lists = rank.new_best(), rank.new_lists(64)
        self._short: U8 = np.empty(0, np.uint8)
        self._parts: I64 = np.zeros((rank.LENGTH + 1, N_PARTS), np.int64)
        self._pieces = pieces(settings.explore_share)
        self._told: I32 = np.zeros(TOLD_MAX, np.int32)
        self._names_missing = np.zeros(MISSING_MAX + 1, np.int64)
        self.verdicts: set[tuple[int, int]] = set()
        """(partition, offset) of records that are passed over (`streams/verdicts.py`)."""
        self.popular: I64 = np.zeros(0, np.int64)
        self.popular_weight: F32 = np.zeros(0, np.float32)
        self.releases: Releases = NO_RELEASES
        self.genres: MicroGenres = NO_MICRO_GENRES
        self.finish: FinishModel = plays.NO_FINISH
        self.finish_version: int | None = None

    def take(self, partition: UserPartition, records: list[Record]) -> Taken:
        """Judge the records of one partition; a record under a verdict is rejected whatever it says."""
        batch = self._intake.read(records, partition.n)
        for i in [i for i, r in enumerate(records) if (partition.n, r.offset) in self.verdicts] if self.verdicts else ():
            condemn(batch, i, "handling this record ended the process three times")
        return Taken(partition, records, batch, partition.next)

    def events(self, taken: list[Taken]) -> tuple[list[str], Events]:
        """All events of the round as columns, with their users' ids; every user's row is in memory."""
        batches = [t.batch for t in taken]
        user_ids = [user for b in batches for user in b.user_ids]
        slot = self._users.find(user_ids)
        assert np.count_nonzero(slot < 0) == user_ids.count(""), "every user's row is in memory"
        return user_ids, Events(
            slot=slot,
            kind=_column(batches, "kind"),
            track=np.array([h for b in batches for h in self._names.hashes(b.track_ids)], np.int64),
            at_ms=_column(batches, "at_ms"),
            event_hash=_column(batches, "event_hash").view(np.int64),
            session=_column(batches, "session_hash").view(np.int64),
            ms_played=_column(batches, "ms_played"),
            duration_ms=_column(batches, "duration_ms"),
            ended=_column(batches, "ended"),
            private=_column(batches, "private"),
            import_source=_column(batches, "import_source").view(np.int64),
            import_row=_column(batches, "import_row"),
            target=_column(batches, "target").view(np.int64),
            until_s=_column(batches, "until_s"),
            user=self._people.hashes(user_ids) if self._settings.listening_rate > 0.0 else np.zeros(0, np.int64),
            artist=np.array([h for b in batches for h in self._artists.hashes(b.artists)], np.int64),
            album=np.array([h for b in batches for h in self._artists.albums(b.artists, b.albums)], np.int64),
        )

    def handle(self, taken: list[Taken], user_ids: list[str], events: Events, at_ms: int) -> list[Made]:
        """Test, learn, rank; then say what is to be written and published, per partition."""
        n = len(user_ids)
        if len(self._lists.length) < 2 * n:
            self._lists = rank.new_lists(2 * n)
        out = plays.new_outcomes(n)
        with self._observe.stage("rank"):
            known = Known(self._users.arrays, self._tracks.arrays, self.popular, self.popular_weight, self._now(self.genres))
            plays.handle(known, events, self._world(), self._ranker, self.weights, self._best, self._lists, out, self._names_missing)
        sizes = [len(t.records) for t in taken]
        part = np.repeat(np.arange(len(taken), dtype=np.int32), sizes)
        first = [0, *np.cumsum(sizes).tolist()]
        work = RoundWork(taken, user_ids, events, part, first, out, at_ms)
        self._observe.ranked(work, self._lists)
        self._render(work)
        return self._maker.make(work)

    def names_missing(self) -> list[int]:
        """Hashes of candidates since the last call whose ids are not in memory, or of which nobody asked who made them."""
        n = int(self._names_missing[0])
        self._names_missing[0] = 0
        return list(dict.fromkeys(self._names_missing[1 : n + 1].tolist()))

    def _world(self) -> World:
        return World(
            names=self._names.table(),
            finish=self.finish,
            lessons_below=self._settings.lessons_rate,
            ranker_learns=self.ranker_learns,
            explore_share=self._settings.explore_share,
            listening_below=self._settings.listening_rate,
            # While nobody said who made anything, nobody need look.
            cap=self._cap if self._names.n_made or self._tracks.arrays.n_made[0] else rank.NO_CAP,
            fatigue=self._settings.fatigue,
            fatigue_next=self._settings.fatigue_next,
            releases=self.releases._replace(genres=self._now(self.releases.genres)),
        )

    def _now(self, genres: MicroGenres) -> MicroGenres:
        """Names may have come since they were read."""
        if not len(genres.micro):
            return genres
        return genres._replace(keys=self._names.keys, slots=self._names.slots, cluster=self._names.cluster)

    def _render(self, w: RoundWork) -> None:
        """Write the JSON of every list pair into `w.lists`, and what Redis keeps of it into `w.short`."""
        index = np.flatnonzero(w.out.row >= 0)
        if not len(index):
            return
        events = index.tolist()
        w.ids, prefixes = _prefixes(w, events)
        prefix = np.frombuffer(b"".join(prefixes), np.uint8)
        prefix_end = np.zeros(len(prefixes) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, prefixes), np.int64, len(prefixes)), out=prefix_end[1:])
        ranker = f"{plays.RANKER}/{self._settings.preset}"
        suffix = b',"model":{"ranker":"%b","finish":%b}}' % (ranker.encode(), _quote(self.finish_version))
        self._write_lists(w, events, w.out.row[index], prefix, prefix_end, np.frombuffer(suffix, np.uint8))

    def _write_lists(self, w: RoundWork, events: list[int], rows: I32, prefix: U8, prefix_end: I64, suffix: U8) -> None:
        """Some lists at a time; the published text is never copied: its buffer lives as long as a list of it does."""
        names = NameText(self._names.text, self._names.place)
        ends = np.empty((2, LISTS_AT_ONCE + 1), np.int64)
        for a in range(0, len(rows), LISTS_AT_ONCE):
            some, marks = rows[a : a + LISTS_AT_ONCE], prefix_end[a : a + LISTS_AT_ONCE + 1]
            room = bytes_max(len(some), self._names.longest, int(marks[-1] - marks[0]), len(suffix))
            if len(self._short) < room:
                self._short = np.empty(room, np.uint8)
            full, short = Written(np.empty(room, np.uint8), ends[0]), Written(self._short, ends[1])
            render(self._lists, some, prefix, marks, suffix, names, self._pieces, full, short, self._parts, self._told)
            which = events[a : a + LISTS_AT_ONCE]
            w.lists.update(zip(which, _texts(full), strict=False))
            w.short.update(zip(which, map(bytes, _texts(short)), strict=False))


def _texts(written: Written) -> Iterator[bytes]:
    text, end = cast(bytes, memoryview(written.text)), written.end.tolist()  # type: ignore[arg-type]  # an array is a buffer
    return (text[a:b] for a, b in pairwise(end))


def _column(batches: list[Batch], name: str) -> Any:
    return np.concatenate([getattr(b, name) for b in batches])


def _prefixes(w: RoundWork, index: list[int]) -> tuple[dict[int, bytes], list[bytes]]:
    """Event -> id of its list; and each list's JSON up to its entries."""
    ids: dict[int, bytes] = {}
    made: list[bytes] = []
    cut = np.searchsorted(index, w.first).tolist()
    for k, t in enumerate(w.taken):
        first, events, offsets = w.first[k], t.batch.events, t.batch.offset.tolist()
        n = b"%d" % t.partition.n
        mark = t.mark + n + b"-"
        cause, partition = b',"at":%d,"cause":{"event_id":' % w.at_ms, b',"partition":%b,"offset":' % n
        for i in index[cut[k] : cut[k + 1]]:
            event, offset = events[i - first], b"%d" % offsets[i - first]
            assert event is not None, "only an applied event has lists"
            ids[i] = name = mark + offset
            made.append(b"".join((_ID, name, _USER, _quote(event.user_id), cause, _quote(event.event_id), partition, offset, _END)))
    return ids, made


_ID, _USER, _END = b'{"recommendation_id":"', b'","user_id":', b"},"
