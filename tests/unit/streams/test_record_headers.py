"""Headers as text are the pairs that were given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.cloudevents import list_headers, recommendation_headers
from streams.record_headers import headers_around, headers_text, read_headers

PAIRS = st.lists(st.tuples(st.text(max_size=200), st.binary(max_size=300)), max_size=80)


@given(PAIRS)
def test_what_was_written_is_read(pairs: list[tuple[str, bytes]]) -> None:
    assert read_headers(headers_text(pairs)) == pairs
    assert read_headers(pairs) is pairs


@given(PAIRS, st.text(max_size=80), st.binary(max_size=8_191), PAIRS)
def test_one_value_among_ready_pairs(before: list[tuple[str, bytes]], name: str, value: bytes, after: list[tuple[str, bytes]]) -> None:
    assert headers_around(before, name, after)(value) == headers_text([*before, (name, value), *after])


def test_a_list_published_at_once_and_one_published_again_have_the_same_headers() -> None:
    assert read_headers(list_headers(1_764_582_000_012)(b"8f3a-3-1207")) == recommendation_headers(b"8f3a-3-1207", 1_764_582_000_012)
