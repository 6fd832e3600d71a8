"""A dead letter holds what was refused, byte for byte, and says why; also when it had to wait in `pending`."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contract import DeadLetterHeaders, Reason
from streams.dead_letters import HELD_BYTES_MAX, MESSAGE_CHARS_MAX, Held, Reread, dead_letter, decode_rejection, encode_rejection
from tests.events_log import Appended, appended

REFUSED = appended(b"\xff\x00{", key=b"\xfe", headers=[("traceparent", b"00-1"), ("ce_type", b"\xff")], partition=3, offset=1207)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=9) | st.none()), max_size=4)


def test_it_keeps_key_value_and_headers_and_lies_on_the_partition_of_the_same_number() -> None:
    letter = dead_letter(REFUSED, Reason.JSON, "the value is not JSON", "loud")
    assert (letter.topic, letter.partition, letter.key, letter.value) == ("loud.dead-letters", 3, b"\xfe", b"\xff\x00{")
    assert list(letter.pairs()) == [
        ("traceparent", b"00-1"),
        ("ce_type", b"\xff"),
        ("__dlq.errors.topic", b"segue.events"),
        ("__dlq.errors.partition", b"3"),
        ("__dlq.errors.offset", b"1207"),
        ("__dlq.errors.reason", b"json"),
        ("__dlq.errors.message", b"the value is not JSON"),
        ("__dlq.errors.app", b"loud"),
    ]


def test_its_error_headers_are_those_of_the_contract() -> None:
    letter = dead_letter(appended(b"{"), Reason.SCHEMA, "é", "segue")
    headers = msgspec.convert({name: value.decode() for name, value in letter.pairs()}, DeadLetterHeaders)
    assert (headers.reason, headers.message, headers.offset) == (Reason.SCHEMA, "é", "7")


def test_a_dead_letter_that_was_sent_again_and_refused_again_says_only_the_latest_reason() -> None:
    first = dead_letter(REFUSED, Reason.JSON, "first", "segue")
    again = dead_letter(appended(first.value, headers=first.pairs(), offset=9), Reason.NULL, "second", "segue")
    assert [value for name, value in again.pairs() if name == "__dlq.errors.message"] == [b"second"]
    assert len(again.pairs()) == len(first.pairs())


def test_a_tombstone_and_a_record_without_key_can_be_refused() -> None:
    letter = dead_letter(appended(None, key=None), Reason.NULL, "null", "segue")
    assert letter.key is None and letter.value is None


def test_a_long_message_is_cut_and_an_odd_one_is_still_bytes() -> None:
    letter = dead_letter(REFUSED, Reason.SCHEMA, "x" * 9_999, "segue")
    assert dict(letter.pairs())["__dlq.errors.message"] == b"x" * MESSAGE_CHARS_MAX
    assert dict(dead_letter(REFUSED, Reason.SCHEMA, "\ud800", "segue").pairs())["__dlq.errors.message"] == b"?"


@given(st.binary(max_size=99) | st.none(), st.binary(max_size=9) | st.none(), HEADERS, st.sampled_from(Reason), st.text(max_size=9))
def test_a_held_rejection_makes_the_same_letter(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], reason: Reason, message: str
) -> None:
    record = Appended(key, value, headers, offset=2**40, partition=1023)
    held = decode_rejection(encode_rejection(record, reason, message))
    assert isinstance(held, Held)
    assert held.letter("segue") == dead_letter(record, reason, message, "segue")


@pytest.mark.parametrize("large", ["value", "header"])
def test_a_large_record_is_named_and_read_again(large: str) -> None:
    key = b"k" * 24
    room = HELD_BYTES_MAX - len(key)
    fits, grows = (
        (appended(b"v" * room, key=key), appended(b"v" * (room + 1), key=key))
        if large == "value"
        else (appended(None, key=key, headers=[("h", b"v" * (room - 1))]), appended(None, key=key, headers=[("h", b"v" * room)]))
    )
    assert isinstance(decode_rejection(encode_rejection(fits, Reason.OVERSIZE, "m")), Held)
    raw = encode_rejection(grows, Reason.OVERSIZE, "m")
    named = decode_rejection(raw)
    assert isinstance(named, Reread) and len(raw) < 100
    assert (named.topic, named.partition, named.offset) == (grows.topic, grows.partition, grows.offset)
    assert named.letter(grows, "segue") == dead_letter(grows, Reason.OVERSIZE, "m", "segue")


@given(st.binary(max_size=20))
def test_bytes_that_are_no_rejection_are_refused_by_name(raw: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_rejection(raw)
