"""The users' side of an audit: the pipeline folds a partition's log again, cut elsewhere, and Redis is compared with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from console.audit_read import Stored
from infra.keys import Keys
from infra.settings import Settings
from online_models.arrays import Items
from online_models.items import ITEM, MADE, ON_ALBUM
from online_models.presets import PRESETS
from streams.contract import Radio
from streams.lessons import LESSON, LISTENED
from streams.listening import PUPILS
from streams.names import Names
from streams.partitions import UserPartition
from streams.pending import Numbered
from streams.pipeline import Pipeline
from streams.ports import Outgoing
from streams.round_work import Made
from streams.sections import DELTAS, read_sections
from streams.track_rows import TrackRows
from streams.user_rows import UserRows

CHUNK: Final = 777
"""Records per fold step: no multiple of any round that a worker takes, so that the cuts lie elsewhere."""
USER_SLOTS: Final = 4_096
"""Users in memory at once; the others wait as bytes, as in Redis."""
TRACK_SLOTS: Final = 64
"""No track row is read: the pure part of a user does not depend on any."""
NAMES_MAX: Final = 1 << 20


class Due(NamedTuple):
    """A list that must be on the topic."""

    user_id: str
    event_id: str


class Kept(NamedTuple):
    """A user as an apply would store them."""

    user_id: str
    about: bytes
    row: bytes


LISTENING: Final = tuple(target for _, target in PUPILS)
"""Partitions of the lessons topic with listening lessons."""
OF_LESSON: Final = ("event_hash", "label")
OF_LISTENED: Final = ("event_hash", "user", "track", "at_ms", "source", "ended")
"""Columns of a lesson that follow from the log alone."""


class Stream:
    """Numbered items in order, boiled down to how many there are and a digest."""

    def __init__(self) -> None:
        self.n = 0
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, items: Items) -> None:
        """The next items (n,)."""
        self.n += len(items)
        self._digest.update(items.tobytes())

    def told(self) -> tuple[int, str]:
        """(n, digest): equal for equal streams."""
        return self.n, self._digest.hexdigest()


def deltas_of(body: memoryview, n: int) -> Items:
    """The fixed part of delta items (n,); track ids are checked with the rows."""
    # A bytearray, because kernels are compiled for arrays that may be written.
    return np.frombuffer(bytearray(body), ITEM, n)


def lessons_of(body: memoryview, n: int, target: int) -> Items:
    """What of lessons (n,) on partition `target` the log alone decides; features are the first copy's."""
    kind, columns = (LISTENED, OF_LISTENED) if target in LISTENING else (LESSON, OF_LESSON)
    lessons = np.frombuffer(body, kind, n)
    told = np.empty(n, [(column, lessons.dtype[column]) for column in columns])
    for column in columns:
        told[column] = lessons[column]
    return told


class SourceFold:
    """One partition of events, folded whole.

    Parameters
    ----------
    verdicts: (partition, offset) of records that were passed over

    Attributes
    ----------
    kept: key -> the user as the last apply would have stored them; None = erased, and nothing since
    due: offset -> the list that must be on the topic; an erase takes the user's earlier ones out
    newest: user -> offset of their newest list
    letters: offset -> the dead letter that must be on its topic
    streams: (kind, target) -> what the log implies for an internal topic's partition
    """

    def __init__(self, settings: Settings, partition: int, incarnation: str, verdicts: set[tuple[int, int]]) -> None:
        self._keys = Keys(settings.namespace)
        self._users = UserRows(USER_SLOTS)
        self._pipeline = Pipeline(
            settings, self._users, TrackRows(TRACK_SLOTS, PRESETS[settings.preset]), Names(NAMES_MAX, settings.id_key.encode())
        )
        self._pipeline.verdicts = verdicts
        self._round_n = 0
        ns = settings.namespace
        self._lists_topic, self._letters_topic = f"{ns}.recommendations", f"{ns}.dead-letters"
        self._erasures_topic = f"{ns}.internal.erasures"
        self.partition = UserPartition(partition, "", incarnation, 0, sent=[0] * settings.deltas_partitions)
        self.kept: dict[str, Kept | None] = {}
        self.erasures: list[Outgoing] = []
        """Records of the topic of erasures by the log; of each user the last must be there."""
        self.erased: dict[str, int] = {}
        """User -> offset of their newest erasure."""
        self.due: dict[int, Due] = {}
        self.asked: dict[int, tuple[str, str]] = {}
        """Offset of a question -> who asked, and the event's id."""
        self.newest: dict[str, int] = {}
        self.letters: dict[int, Outgoing] = {}
        self.streams: dict[tuple[int, int], Stream] = {}
        self.n_records = self.n_plays = self.n_made = 0

    def run(self, records: Iterable[Stored]) -> None:
        """Fold every record."""
        chunk: list[Stored] = []
        for record in records:
            chunk.append(record)
            if len(chunk) == CHUNK:
                self._step(chunk)
                chunk = []
        if chunk:
            self._step(chunk)

    def _step(self, chunk: Sequence[Stored]) -> None:
        self._round_n += 1
        self.n_records += len(chunk)
        taken = self._pipeline.take(self.partition, list(chunk))
        self._load(sorted({user for user in taken.batch.user_ids if user}))
        user_ids, events = self._pipeline.events([taken])
        made = self._pipeline.handle([taken], user_ids, events, 0)[0]
        self._pipeline.names_missing()
        made.stands()
        self._keep(made)

    def _load(self, user_ids: list[str]) -> None:
        held = [user for user in user_ids if user in self._users.slot_of]
        self._users.touched[self._users.slots(held)] = self._round_n
        missing = self._users.missing(user_ids)
        self._users.make_room(len(missing), self._round_n, len(user_ids))
        for user in missing:
            kept = self.kept.get(self._keys.user(self.partition.n, user))
            self._users.load(user, self.partition.n, kept.row if kept else None)
        self._users.touched[self._users.slots(missing)] = self._round_n

    def _keep(self, made: Made) -> None:
        user_of = {self._keys.user(self.partition.n, user): user for user in made.taken.batch.user_ids if user}
        for cells in made.call.rows:
            key, about, _, row = list(cells)
            self.kept[str(key)] = Kept(user_of[str(key)], _bytes(about), _bytes(row))
        for command in made.call.commands:
            if command.verb == "DEL":
                self.kept[command.key] = None
        batch = made.taken.batch
        asked = {
            int(offset): (event.user_id, event.event_id)
            for offset, event in zip(batch.offset, batch.events, strict=True)
            if isinstance(event, Radio)
        }
        self.asked.update(asked)
        for record in made.records:
            self._owe(record, made)
        for numbered in made.numbered:
            self._send(numbered)

    def _owe(self, record: Outgoing, made: Made) -> None:
        headers = dict(record.pairs())
        if record.topic == self._letters_topic:
            self.letters[int(headers["__dlq.errors.offset"])] = record
        if record.topic == self._erasures_topic:
            self.erasures.append(record)
        if record.topic != self._lists_topic:
            return
        assert record.key is not None, "a list has its user's id as key"
        user_id, offset = record.key.decode(), int(headers["ce_id"].rpartition(b"-")[2])
        if record.value is None:
            self._forget(user_id, offset)
            return
        event = made.taken.batch.events[_index(made, offset)]
        assert event is not None, "an applied event was decoded"
        self.due[offset] = Due(user_id, event.event_id)
        self.newest[user_id] = offset

    def _forget(self, user_id: str, offset: int) -> None:
        self.erased[user_id] = offset
        self.newest.pop(user_id, None)
        for earlier in [at for at, due in self.due.items() if due.user_id == user_id]:
            del self.due[earlier]

    def _send(self, numbered: Numbered) -> None:
        for section in read_sections(numbered.section):
            stream = self.streams.setdefault((section.kind, numbered.partition), Stream())
            if section.kind == DELTAS:
                items = deltas_of(section.body, section.n)
                self.n_plays += int(np.count_nonzero(items["lag"] == 0))
                self.n_made += int(np.count_nonzero(items["flags"] & (MADE | ON_ALBUM)))
                stream.add(items)
            else:
                stream.add(lessons_of(section.body, section.n, numbered.partition))


def plays_of(about: bytes) -> int:
    """How many plays `about` tells."""
    return msgspec.json.decode(about, type=_Plays).plays


class _Plays(msgspec.Struct):
    plays: int


def _index(made: Made, offset: int) -> int:
    return int(np.searchsorted(made.taken.batch.offset, offset))


def _bytes(field: str | bytes | int | float) -> bytes:
    assert isinstance(field, bytes), "rows are stored as bytes"
    return field
