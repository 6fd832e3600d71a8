"""Records in, columns out: the first stage of a round, and the busiest code of the product.

A healthy play passes one loop with one decode and the checks that nothing may pass without. Everything
else, a rare event or a bad record, goes the careful way (`screening.py`), which knows every reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest as xxh3

from online_models.arrays import U32
from online_models.events import BLOCK, DISLIKE, ERASE, FORGET, LIKE, PAUSE, PLAY, RADIO, REJECTED_KIND, RESUME, UNBLOCK, UNDO
from online_models.history import FOR_EVER
from streams.contract import (
    AHEAD_MS_MAX,
    AT_MS_MIN,
    DEPTH_MAX,
    EVENT_BYTES_MAX,
    Block,
    Dislike,
    Erase,
    Event,
    Forget,
    Like,
    Pause,
    Play,
    Radio,
    Reason,
    Resume,
    Unblock,
    Undo,
)
from streams.partitioner import partition_of
from streams.ports import Record
from streams.screening import Rejected, Screened, epoch_ms, has_nul, is_deep, screen

REJECTED: Final = REJECTED_KIND
_KINDS: Final[dict[type[Event], int]] = {
    Play: PLAY,
    Block: BLOCK,
    Unblock: UNBLOCK,
    Erase: ERASE,
    Like: LIKE,
    Dislike: DISLIKE,
    Undo: UNDO,
    Forget: FORGET,
    Pause: PAUSE,
    Resume: RESUME,
    Radio: RADIO,
}

NOT_SAID: Final = 0
FINISHED: Final = 1
BROKEN_OFF: Final = 2
_ENDED: Final[dict[str | None, int]] = {None: NOT_SAID, "": NOT_SAID, "unknown": NOT_SAID, "none": NOT_SAID, "trackdone": FINISHED}

USERS_KNOWN_MAX: Final = 131_072
"""Users whose key was checked before; about 200 bytes each, and a miss costs 1 us."""

_SHALLOW_BYTES: Final = 2 * DEPTH_MAX
"""A shorter text cannot nest deeper than allowed: each level takes two brackets."""

_BACKSLASH: Final = ord("\\")
_CE_PLAY: Final = b"segue.play.v1"
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_decode: Final = msgspec.json.Decoder(Play).decode


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why record `index` of the batch cannot be applied."""

    index: int
    reason: Reason
    message: str


class Batch(msgspec.Struct, frozen=True):
    """What was in n records of one partition, as columns of length n, in the records' order.

    Rejected records keep their place: kind 255, empty ids, event None, and zeros (-1 where that means absent).
    """

    user_ids: list[str]
    track_ids: list[str]
    """Empty where the event names none."""
    artists: list[str | None]
    """Who made the track of a play, or who is blocked, as it was written."""
    albums: list[str | None]
    """Of a play, as it was written."""
    events: list[Event | None]
    """The decoded structs; their event_id is never empty."""
    offset: NDArray[np.int64]
    kind: NDArray[np.uint8]
    """PLAY, another kind of `online_models/plays.py`, or REJECTED."""
    at_ms: NDArray[np.int64]
    """Epoch ms: played_at, or what `at` says, or the append time."""
    event_hash: NDArray[np.uint64]
    """xxh3 of the event_id's UTF-8; never 0 for an accepted record."""
    session_hash: NDArray[np.uint64]
    """xxh3 of the session_id's UTF-8; 0 = absent."""
    ms_played: NDArray[np.int32]
    """-1 = absent."""
    duration_ms: NDArray[np.int32]
    """-1 = absent."""
    ended: NDArray[np.uint8]
    """NOT_SAID, FINISHED or BROKEN_OFF."""
    private: NDArray[np.uint8]
    import_source: NDArray[np.uint64]
    """xxh3 of the import's source; 0 = not imported."""
    import_row: NDArray[np.int64]
    """-1 = not imported."""
    target: NDArray[np.uint64]
    """xxh3 of the id of the event that is undone or forgotten; 0 = none."""
    until_s: U32
    """When a block ends, rounded up to the second; FOR_EVER = never."""
    rejections: list[Rejection]


_ABSENT: Final = Play(user_id="", track_id="", played_at=0)
"""Stands in the columns of plays where there is none."""


class Intake:
    """Decodes and judges the records of the events topic.

    Parameters
    ----------
    partition_count
        Number of partitions of the events topic; murmur2 of a key must choose the one its record is on.
    """

    def __init__(self, partition_count: int) -> None:
        self._partition_count = partition_count
        self._known: dict[int, dict[bytes | None, str]] = {}
        self._n_known = 0

    def read(self, records: Sequence[Record], partition: int) -> Batch:
        """Judge `records`, which lie on `partition`; raises for no content whatever."""
        plays: list[Play] = []
        user_ids: list[str] = []
        times: list[int] = []
        careful: list[int] = []
        known = self._known.setdefault(partition, {})
        known_user = known.get
        for record in records:
            value = record.value or b""
            try:
                play = _decode(value)
                user_id = known_user(record.key)
                if user_id != play.user_id:
                    user_id = self._meet(record.key, play.user_id, partition, known)
                at_ms = at if isinstance(at := play.played_at, int) else epoch_ms(at)
                session_id = play.session_id
                if (
                    user_id
                    and AT_MS_MIN <= at_ms <= record.timestamp + AHEAD_MS_MAX
                    and play.event_id
                    and (not record.headers or _says_play(record.headers))
                    and (len(value) <= _SHALLOW_BYTES and _BACKSLASH not in value and value.isascii() or _is_harmless(value))
                    and not play.event_id.isspace()
                    and not play.track_id.isspace()
                    and (session_id is None or not session_id.isspace())
                    and (play.import_ is None or not play.import_.source.isspace())
                ):
                    plays.append(play)
                    user_ids.append(user_id)
                    times.append(at_ms)
                    continue
            except _UNREADABLE:
                pass  # The careful way finds the same fault again, and its reason.
            careful.append(len(plays))
            plays.append(_ABSENT)
            user_ids.append("")
            times.append(0)
        batch = _columns(records, plays, user_ids, times)
        for index in careful:
            self._read_carefully(batch, index, records[index], partition)
        return batch

    def _meet(self, key: bytes | None, user_id: str, partition: int, known: dict[bytes | None, str]) -> str | None:
        """Note a user whose key is theirs and chooses this partition; None for any other, who is not noted."""
        if key is None or key != user_id.encode() or user_id.isspace() or partition_of(key, self._partition_count) != partition:
            return None
        if self._n_known >= USERS_KNOWN_MAX:
            for users in self._known.values():
                users.clear()
            self._n_known = 0
        self._n_known += 1
        known[key] = user_id
        return user_id

    def _read_carefully(self, batch: Batch, index: int, record: Record, partition: int) -> None:
        """Fill row `index` of `batch` by the careful way."""
        try:
            screened = screen(record, partition, self._partition_count)
        except Rejected as rejected:
            batch.events[index] = None
            batch.kind[index] = REJECTED
            batch.event_hash[index] = 0
            batch.rejections.append(Rejection(index, rejected.reason, rejected.message))
        else:
            _fill(batch, index, screened)


def _says_play(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Whether the last ce_type, if there is one, is that of a play."""
    ce_type = None
    for name, value in headers:
        if name == "ce_type":
            ce_type = value
    return ce_type is None or ce_type == _CE_PLAY


def _is_harmless(value: bytes) -> bool:
    """Whether a text that is long, not ASCII, or has escapes is fit; raises UnicodeDecodeError for bad UTF-8.

    The decoder looks into no field that it does not know, so their bytes are checked here.
    """
    if len(value) > _SHALLOW_BYTES and (len(value) > EVENT_BYTES_MAX or is_deep(value)):
        return False
    value.decode()
    return _BACKSLASH not in value or not has_nul(value)


def _hash(text: str | None) -> int:
    """xxh3 of the text's UTF-8, 1 .. 2**64 - 1; 0 for no text."""
    return (xxh3(text.encode()) or 1) if text else 0


def _columns(records: Sequence[Record], plays: list[Play], user_ids: list[str], times: list[int]) -> Batch:
    """The batch of `plays` (n,), one per record; `_ABSENT` stands where none was read yet.

    One pass per column: half the time of filling all columns play by play.
    """
    n = len(plays)
    ended_as = _ENDED.get
    import_source, import_row = _imports(plays)
    return Batch(
        user_ids=user_ids,
        track_ids=[play.track_id for play in plays],
        artists=[play.artist for play in plays],
        albums=[play.album for play in plays],
        events=[*plays],
        offset=np.array([record.offset for record in records], np.int64),
        kind=np.zeros(n, np.uint8),
        at_ms=np.array(times, np.int64),
        event_hash=np.array([xxh3(play.event_id.encode()) or 1 for play in plays], np.uint64),
        session_hash=np.array([_hash(play.session_id) for play in plays], np.uint64),
        ms_played=np.array([-1 if (ms := play.ms_played) is None else ms for play in plays], np.int32),
        duration_ms=np.array([-1 if (ms := play.duration_ms) is None else ms for play in plays], np.int32),
        ended=np.array([ended_as(play.reason_end, BROKEN_OFF) for play in plays], np.uint8),
        private=np.array([play.private for play in plays], np.uint8),
        import_source=import_source,
        import_row=import_row,
        target=np.zeros(n, np.uint64),
        until_s=np.full(n, FOR_EVER, np.uint32),
        rejections=[],
    )


def _imports(plays: list[Play]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Columns import_source and import_row (n,): a log is imported whole or not at all, so mostly one of two cases."""
    n = len(plays)
    source, row = np.zeros(n, np.uint64), np.full(n, -1, np.int64)
    imported = [index for index, play in enumerate(plays) if play.import_ is not None]
    if imported:
        imports = [play.import_ for play in plays if play.import_ is not None]
        hashes = {name: _hash(name) for name in dict.fromkeys(it.source for it in imports)}
        source[imported] = np.array([hashes[it.source] for it in imports], np.uint64)
        row[imported] = [it.row for it in imports]
    return source, row


def _fill(batch: Batch, index: int, screened: Screened) -> None:
    """Write what was screened into row `index`, which holds an absent play."""
    event = screened.event
    batch.events[index] = event
    batch.user_ids[index] = event.user_id
    batch.kind[index] = _KINDS[type(event)]
    batch.at_ms[index] = screened.at_ms
    batch.event_hash[index] = _hash(event.event_id)
    if isinstance(event, Play):
        _fill_play(batch, index, event)
    elif isinstance(event, Like | Dislike | Block | Unblock | Forget):
        batch.track_ids[index] = event.track_id or ""
    if isinstance(event, Block | Unblock):
        batch.artists[index] = event.artist
    if isinstance(event, Undo):
        batch.target[index] = _hash(event.undone_event_id)
    elif isinstance(event, Forget):
        batch.target[index] = _hash(event.forgotten_event_id)
    if screened.until_ms is not None:
        batch.until_s[index] = min(-(-screened.until_ms // 1000), FOR_EVER)


def _fill_play(batch: Batch, index: int, play: Play) -> None:
    batch.track_ids[index] = play.track_id
    batch.artists[index] = play.artist
    batch.albums[index] = play.album
    batch.session_hash[index] = _hash(play.session_id)
    batch.ms_played[index] = -1 if play.ms_played is None else play.ms_played
    batch.duration_ms[index] = -1 if play.duration_ms is None else play.duration_ms
    batch.ended[index] = _ENDED.get(play.reason_end, BROKEN_OFF)
    batch.private[index] = play.private
    if play.import_ is not None:
        batch.import_source[index], batch.import_row[index] = _hash(play.import_.source), play.import_.row


def condemn(batch: Batch, index: int, message: str) -> None:
    """Reject a record that was accepted: handling it ended the process, again and again."""
    if batch.kind[index] == REJECTED:
        return
    batch.kind[index] = REJECTED
    batch.user_ids[index] = batch.track_ids[index] = ""
    batch.artists[index] = batch.albums[index] = None
    batch.events[index] = None
    batch.rejections.append(Rejection(index, Reason.HANDLER, message))
