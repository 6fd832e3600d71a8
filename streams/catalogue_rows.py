"""One partition of the catalogue as a fold of its log: records in, one fenced call out. No store, no clock.

Rows, counts and what the cleaning remembers depend on the records alone, wherever rounds were cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import msgspec
import structlog

from infra.fenced import Command, FencedCall, Field, Row
from infra.keys import Keys
from online_models.cleaning.rows import BadRow, CleanRow
from online_models.cleaning.stream import Cleaned, CleanStream
from online_models.cleaning.titles import Title
from streams import catalogue_intake, catalogue_lessons, pending
from streams.catalogue_intake import FEATURES, Kind
from streams.contract import Reason
from streams.dead_letters import dead_letter, encode_rejection
from streams.ports import Outgoing, Record
from streams.screening import Rejected

log = structlog.get_logger("segue.catalogue")

NAMES_MAX: Final = 100_000
"""Names that a partition remembers, of each field, and words beside them: 1 KB each in memory, 100 bytes in Redis."""
SONGS_MAX: Final = 250_000
"""Songs whose recordings a partition links: 300 bytes each."""
CORRECTIONS_MAX: Final = 100
"""Corrections that stay on a row: all are counted, and a list of a thousand tags shows what was the matter with the first."""
ROW_FIELDS: Final = ("row", "estimates", "cleaning", "taught")
"""`taught` has the numbers of the lessons that say what the row says, by model; empty = none does."""
OUTCOMES: Final = ("applied", "withdrawn", "rejected")
"""Counters of a partition: their sum is the records below `next`."""
HELD_BYTES_MAX: Final = 1 << 24
"""Refused records are held in `pending` whole: compaction may take what would be read again."""

_encode = msgspec.json.Encoder().encode


@dataclass
class Told:
    """What one round did, for the metrics."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of dead letters."""
    rules: Counter[str] = field(default_factory=Counter)
    """Of corrected values."""
    refused: Counter[str] = field(default_factory=Counter)
    """Of refused values, by reason."""


@dataclass
class Made:
    """What a round made of a partition's records: to be applied, then published."""

    call: FencedCall
    records: list[Outgoing]
    """Dead letters and lessons."""
    told: Told


Stood = tuple[bytes, bytes]
"""Fields `row` and `taught` of a row as it stands."""
Lessons = dict[str, list[tuple[dict[str, Any], int]]]
"""By model, in order: what a row teaches, and the time of its record, epoch ms."""


class CataloguePartition:
    """The rows of one partition in the hands of one owner.

    Parameters
    ----------
    fields: of the cursor, as the claim found them.
    evidence, counts: hashes of the partition, as they stand in the store.
    partition_count, letters_partitions: of the topic that is read, and of the dead letters.
    pupils: models that learn from these rows, and their lessons partitions.
    """

    def __init__(
        self,
        keys: Keys,
        kind: Kind,
        n: int,
        token: str,
        fields: Mapping[str, bytes],
        evidence: Mapping[str, bytes],
        counts: Mapping[str, bytes],
        *,
        partition_count: int,
        letters_partitions: int,
        pupils: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.kind, self.n, self.token = kind, n, token
        self.incarnation = fields["incarnation"].decode()
        self.next = int(fields["next"])
        self.counts = Counter({name: int(fields.get(name, 0)) for name in OUTCOMES})
        self._keys, self._partition_count, self._letters_partitions = keys, partition_count, letters_partitions
        self._pupils = pupils
        self._n_lessons = Counter(msgspec.json.decode(fields.get("lessons", b"{}"), type=dict[str, int]))
        """Sent, by model."""
        self._stream = CleanStream(kind.fields, names_max=NAMES_MAX, songs_max=SONGS_MAX if kind.links else 0)
        self._counted = dict(counts)
        if counts:
            self._stream.restore(
                {place: msgspec.json.decode(known) for place, known in evidence.items()},
                {name: msgspec.json.decode(told) for name, told in counts.items()},
            )

    @property
    def cursor(self) -> str:
        """Key of the cursor."""
        return self._keys.clean_cursor(self.kind.side, self.n)

    @property
    def teaches(self) -> bool:
        """Whether `take` needs to know the rows as they stand."""
        return bool(self._pupils)

    def row_key(self, row_id: str) -> str:
        """Key of a row."""
        return self._keys.clean_row(self.kind.side, self.n, row_id)

    def take(self, records: Sequence[Record], before: Mapping[str, Stood] = MappingProxyType({})) -> Made:
        """Clean records (at least one), in order; afterwards the partition in memory stands behind them, applied or not.

        `before`: the rows of these records by id, as they stand, where the partition `teaches`.
        """
        rows: dict[str, tuple[bytes, ...] | None] = {}
        lessons: Lessons = {model: [] for model in self._pupils}
        rejections: list[tuple[Record, Rejected]] = []
        told = Told()
        for record in records:
            try:
                row_id, row = self._row(record, told)
            except Rejected as rejected:
                rejections.append((record, rejected))
                told.outcomes["rejected"] += 1
                told.reasons[str(rejected.reason)] += 1
                continue
            if row is not None:
                stood = rows[row_id] if row_id in rows else before.get(row_id)
                row = (*row, self._teach(row[0], stood, record.timestamp, lessons))
            rows[row_id] = row
            told.outcomes["withdrawn" if row is None else "applied"] += 1
        self.counts.update(told.outcomes)
        start, self.next = self.next, records[-1].offset + 1
        numbered = self._numbered(lessons)
        records_out = [self._letter(*each) for each in rejections] + pending.numbered_records(numbered)
        return Made(self._call(start, rows, rejections, numbered), records_out, told)

    def _teach(self, row: bytes, stood: tuple[bytes, ...] | None, at_ms: int, lessons: Lessons) -> bytes:
        """Adds what a row teaches, for every model but those that the one that stood there taught the same; the row's `taught`."""
        if not self.teaches:
            return b""
        new, old = msgspec.json.decode(row), msgspec.json.decode(stood[0]) if stood is not None and stood[-1] else None
        taught = catalogue_lessons.numbers_of(stood[-1]) if stood is not None else {}
        known: dict[str, int] = {}
        for model in self._pupils:
            told = catalogue_lessons.lesson_for(model, new)
            if told is None:
                continue
            if model in taught and old is not None and told == catalogue_lessons.lesson_for(model, old):
                known[model] = taught[model]
                continue
            lessons[model].append((told, at_ms))
            known[model] = self._n_lessons[model] + len(lessons[model])
        return _encode(known) if known else b""

    def _numbered(self, lessons: Lessons) -> list[pending.Numbered]:
        topic, found = f"{self._keys.namespace}.internal.lessons", list[pending.Numbered]()
        for model, told in lessons.items():
            if told:
                first = self._n_lessons[model] + 1
                found += catalogue_lessons.sections(topic, self._pupils[model], self.incarnation, self.n, first, told)
                self._n_lessons[model] += len(told)
        return found

    def _row(self, record: Record, told: Told) -> tuple[str, tuple[bytes, ...] | None]:
        """Id and fields of a row; None = withdrawn. Raises Rejected."""
        written = catalogue_intake.screen(record, self.kind, self.n, self._partition_count)
        if written.raw is None:
            return written.row_id, None
        try:
            cleaned = self._stream.take(written.raw)
        except BadRow as error:
            raise Rejected(Reason.SCHEMA, f"{written.row_id!r} is how a missing value is written: {error}") from None
        except Exception as error:
            # Cleaning is pure, so the same record would end every owner; as a dead letter it is seen, and the partition goes on.
            log.exception("a row could not be cleaned", topic=self.kind.topic, partition=self.n, offset=record.offset)
            raise Rejected(Reason.HANDLER, f"cleaning ended with {type(error).__name__}; please report it") from error
        told.rules.update(str(correction.rule) for correction in cleaned.row.corrections)
        told.refused.update(str(refusal.reason) for refusal in cleaned.row.refusals)
        shown = {**shaped(cleaned.row.values), **_parts(cleaned.row), "updated_at": record.timestamp}
        return written.row_id, (_encode(shown), _encode(cleaned.row.estimates), _encode(_cleaning(cleaned)))

    def _call(
        self,
        start: int,
        rows: Mapping[str, tuple[bytes, ...] | None],
        rejections: Sequence[tuple[Record, Rejected]],
        numbered: list[pending.Numbered],
    ) -> FencedCall:
        key = {row_id: self.row_key(row_id) for row_id in rows}
        written: list[Row] = [(key[row_id], *row) for row_id, row in rows.items() if row is not None]
        commands = [Command("DEL", key[row_id]) for row_id, row in rows.items() if row is None]
        evidence = {place: _encode(known) for place, known in self._stream.changes().items()}
        counts = {name: _encode(counted) for name, counted in self._stream.counts.plain().items()}
        changed = {name: counted for name, counted in counts.items() if self._counted.get(name) != counted}
        self._counted |= changed
        for hash_key, fields in (
            (self._keys.clean_evidence(self.kind.side, self.n), evidence),
            (self._keys.clean_counts(self.kind.side, self.n), changed),
        ):
            if fields:
                commands.append(Command("HSET", hash_key, tuple(part for pair in fields.items() for part in pair)))
        held = [encode_rejection(record, r.reason, r.message, held_bytes_max=HELD_BYTES_MAX) for record, r in rejections]
        return FencedCall(
            cursor=self.cursor,
            pending_key=self._keys.clean_pending(self.kind.side, self.n),
            token=self.token,
            incarnation=self.incarnation,
            start=start,
            end=self.next,
            cursor_fields=self._cursor_fields(),
            pending=pending.encode(pending.Pending(0, [], numbered, held)),
            row_fields=ROW_FIELDS,
            rows=written,
            commands=commands,
        )

    def _cursor_fields(self) -> dict[str, Field]:
        fields: dict[str, Field] = {name: self.counts[name] for name in OUTCOMES}
        return fields | {"lessons": _encode(dict(self._n_lessons))} if self._n_lessons else fields

    def _letter(self, record: Record, rejected: Rejected) -> Outgoing:
        return placed(dead_letter(record, rejected.reason, rejected.message, self._keys.namespace), self._letters_partitions)


def placed(letter: Outgoing, letters_partitions: int) -> Outgoing:
    """A dead letter on the partition of its record's number; there may be fewer of them than of tracks."""
    return letter._replace(partition=letter.partition % letters_partitions)


def shaped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Clean values in the shape of the contract: features under one name.

    >>> shaped({"track_id": "t", "tempo": 120.0, "genre": "rock"})
    {'track_id': 't', 'genre': 'rock', 'features': {'tempo': 120.0}}
    """
    features = {name: value for name, value in values.items() if name in FEATURES}
    plain = {name: value for name, value in values.items() if name not in FEATURES}
    return {**plain, "features": features} if features else plain


def _parts(row: CleanRow) -> dict[str, Any]:
    """What a title and an artist say beside names: who is featured, which version it is."""
    title, credit = row.title or Title(""), row.credit
    featured = [*title.featured, *(credit.featured if credit is not None else ())]
    found = {"song": title.name, "version": title.version, "version_kind": title.kind, "featured": list(dict.fromkeys(featured))}
    return {name: part for name, part in found.items() if part and part != row.values.get("title")}


def _cleaning(cleaned: Cleaned) -> dict[str, Any]:
    """What was changed and refused, with the raw values; and the id under which the recording came before."""
    row = cleaned.row
    found: dict[str, Any] = {
        "corrected": [it._asdict() for it in row.corrections[:CORRECTIONS_MAX]],
        "refused": [it._asdict() for it in row.refusals],
    }
    return found if cleaned.same_as is None else {**found, "same_as": cleaned.same_as}
