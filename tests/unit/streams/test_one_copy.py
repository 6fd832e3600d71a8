"""A produce request made with one copy is the one that aiokafka would have made."""

from __future__ import annotations

import pytest
from aiokafka.protocol.produce import ProduceRequest

from streams.one_copy import OneCopyRequest
from streams.ports import Outgoing
from streams.record_batch import record_batches

KAFKA_NOW = {0: (3, 13)}
TOPICS = [("lists", [(0, b"batch of 0"), (7, bytearray(b"\x00\xff" * 300))]), ("naïve", [(1, b"")])]


@pytest.mark.parametrize("transactional_id", [None, "t"])
@pytest.mark.parametrize("topics", [TOPICS, []])
def test_the_message_is_the_same_byte_for_byte(topics: list[tuple[str, list[tuple[int, bytes]]]], transactional_id: str | None) -> None:
    asked = (transactional_id, -1, 10_000, topics)
    theirs = ProduceRequest(*asked).prepare(KAFKA_NOW)
    ours = OneCopyRequest(*asked).prepare(KAFKA_NOW)
    header = ours.build_request_header(correlation_id=5, client_id="segue").encode()
    assert header == theirs.build_request_header(correlation_id=5, client_id="segue").encode()
    message, expected = header + ours.encode(), header + theirs.encode()
    assert len(message) == len(expected)
    assert b"size" + message == b"size" + expected
    assert ours.RESPONSE_TYPE is theirs.RESPONSE_TYPE


def test_an_old_broker_gets_what_aiokafka_makes() -> None:
    asked = (None, -1, 10_000, TOPICS)
    assert OneCopyRequest(*asked).prepare({0: (0, 2)}).encode() == ProduceRequest(*asked).prepare({0: (0, 2)}).encode()


def test_a_batch_in_parts_is_its_bytes() -> None:
    records = [Outgoing("lists", 0, b"ana", b"[1, 2]", [("ce_id", b"1")]), Outgoing("lists", 0, None, None, [])]
    (batch,) = record_batches(records, 1_764_582_000_012, 10_000)
    built = batch._build()

    def message(topics: list[tuple[str, list[tuple[int, object]]]]) -> object:
        return b"" + (b"header" + OneCopyRequest(None, -1, 10_000, topics).prepare(KAFKA_NOW).encode())

    assert message([("lists", [(0, built)])]) == message([("lists", [(0, bytes(built))])])
