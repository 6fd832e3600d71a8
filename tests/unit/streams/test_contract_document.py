"""docs/contract.md says what the code does: its examples are judged, its limits and names compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from infra.settings import Settings
from infra.topics import table
from online_models.cleaning.stream import CleanStream
from streams.catalogue_intake import KINDS, Kind, screen
from streams.contract import (
    AHEAD_MS_MAX,
    CONTEXT_ENTRIES_MAX,
    DEPTH_MAX,
    EVENT_BY_TYPE,
    EVENT_BYTES_MAX,
    ID_CHARS_MAX,
    SPAN_MS_MAX,
    Answer,
    DeadLetterHeaders,
    Play,
    Reason,
    Recommendation,
    Track,
    Unanswered,
    User,
)
from streams.intake import Intake
from streams.partitioner import partition_of
from streams.short_lists import published
from tests.events_log import PARTITIONS, appended

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "contract.md").read_text()


class Block(NamedTuple):
    """One fenced JSON block: what it claims, and what it holds."""

    claim: str
    text: str


BLOCKS = [Block(claim.strip(), text) for claim, text in re.findall(r"^```json(.*?)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)]
EVENTS = [block for block in BLOCKS if block.claim not in ("recommendation", "stored", "answer", "track", "user")]


@pytest.mark.parametrize("block", EVENTS, ids=[f"{n}: {block.claim}" for n, block in enumerate(EVENTS)])
def test_an_example_gets_the_answer_that_the_document_claims(block: Block) -> None:
    record = appended(block.text.encode())
    rejections = Intake(PARTITIONS).read([record], record.partition).rejections
    assert block.claim == (f"rejected {rejections[0].reason}" if rejections else "accepted")


def test_every_block_of_json_makes_a_claim() -> None:
    claims = "accepted|recommendation|stored|answer|track|user"
    assert all(re.fullmatch(rf"{claims}|rejected \w+", block.claim) for block in BLOCKS) and len(BLOCKS) > 10


def test_the_example_of_a_list_can_be_read() -> None:
    (block,) = (block for block in BLOCKS if block.claim == "recommendation")
    assert msgspec.json.decode(block.text, type=Recommendation).next


def test_the_example_of_an_answer_can_be_read_and_every_reason_is_named() -> None:
    (block,) = (block for block in BLOCKS if block.claim == "answer")
    assert msgspec.json.decode(block.text, type=Answer).entries[1].far
    assert [reason for reason in Unanswered if f"`{reason}`" not in TEXT] == []


def test_the_example_of_a_stored_list_stands_for_a_list() -> None:
    (block,) = (block for block in BLOCKS if block.claim == "stored")
    told = msgspec.json.decode(published(block.text.replace("\n ", "").strip().encode()), type=Recommendation)
    assert [entry.track_id for entry in told.next] == ["t7", "t5"]
    assert told.discover == told.next[1:]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.topic)
def test_the_examples_of_the_catalogue_are_rows_that_nothing_is_left_out_of(kind: Kind) -> None:
    (block,) = (block for block in BLOCKS if f"{block.claim}s" == kind.topic)
    key = str(msgspec.json.decode(block.text)[kind.identity]).encode()
    written = screen(appended(block.text.encode(), key), kind, partition_of(key, PARTITIONS), PARTITIONS)
    assert written.raw is not None
    told = {name: value for name, value in written.raw.items() if value is not None}
    row = CleanStream(kind.fields).take(told).row
    assert (row.refusals, row.values.keys()) == ([], told.keys())


def test_every_field_of_the_catalogue_is_named() -> None:
    fields = [field.name for kind in KINDS for field in kind.fields]
    assert [name for name in (*fields, *Track.__struct_fields__, *User.__struct_fields__) if f"`{name}`" not in TEXT] == []


def test_every_reason_has_a_section() -> None:
    sections = re.findall(r"^### (\w+)$", TEXT.partition("## When a record is refused")[2].partition("## For readers")[0], re.MULTILINE)
    assert sorted(sections) == sorted(Reason)


def test_every_type_topic_field_and_header_is_named() -> None:
    topics = [topic.suffix for topic in table(Settings()) if not topic.suffix.startswith("internal.")]
    headers = [field.encode_name for field in msgspec.structs.fields(DeadLetterHeaders)]
    fields = [field.encode_name for field in msgspec.structs.fields(Play)]
    missing = [name for name in (*EVENT_BY_TYPE, *topics, *headers, *fields) if f"`{name}`" not in TEXT]
    assert missing == []


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{EVENT_BYTES_MAX:,} bytes" in TEXT
    assert f"1 to {ID_CHARS_MAX} characters" in TEXT
    assert f"{DEPTH_MAX} levels" in TEXT
    assert f"0 .. {SPAN_MS_MAX:,}" in TEXT and SPAN_MS_MAX == 24 * 86_400_000
    assert f"up to {CONTEXT_ENTRIES_MAX} names" in TEXT
    assert f"{AHEAD_MS_MAX // 60_000} minutes after the record's append time" in TEXT
