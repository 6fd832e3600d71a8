"""Sections travel unchanged, and every item is admitted exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sections import DELTAS, HEADER, LESSONS, BadSection, NumberGap, Section, admit, pack_section, read_sections

INCARNATION = "00c0ffee"


def test_the_header_is_28_bytes_on_the_wire() -> None:
    assert HEADER.size == 28


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**16 - 1),
            st.sampled_from([DELTAS, LESSONS]),
            st.integers(1, 2**62),
            st.integers(1, 2**32 - 1),
            st.binary(max_size=200),
        )
    )
)
def test_sections_read_back_as_they_were_packed(rows: list[tuple[int, int, int, int, bytes]]) -> None:
    value = b"".join(pack_section(INCARNATION, *row) for row in rows)
    assert [(s.source, s.kind, s.first, s.n, bytes(s.body)) for s in read_sections(value)] == rows
    assert all(s.incarnation == INCARNATION for s in read_sections(value))


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_sections_or_refused(value: bytes) -> None:
    try:
        sections = read_sections(value)
    except BadSection:
        return
    assert sum(HEADER.size + len(s.body) for s in sections) == len(value)


@pytest.mark.parametrize("cut", [1, 27, 28, 30])
def test_a_value_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(BadSection):
        read_sections(pack_section(INCARNATION, 0, DELTAS, 1, 1, b"body")[:cut])


@pytest.mark.parametrize(("first", "n", "incarnation"), [(0, 1, INCARNATION), (1, 0, INCARNATION), (1, 1, "short")])
def test_numbers_start_at_one_and_sections_are_never_empty(first: int, n: int, incarnation: str) -> None:
    with pytest.raises(BadSection):
        pack_section(incarnation, 0, DELTAS, first, n, b"")


def test_a_gap_is_refused_and_names_what_is_missing() -> None:
    with pytest.raises(NumberGap, match="3 items are missing"):
        admit(Section(INCARNATION, 2, DELTAS, 9, 4, memoryview(b"")), 5)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=40))
def test_resent_and_recut_sections_count_each_item_once(cuts: list[tuple[int, int]]) -> None:
    """A source that goes back `step` items and cuts anew never makes an item count twice."""
    seen: list[int] = []
    mark = sent = 0
    for step, n in cuts:
        first = max(1, sent + 1 - step)
        section = Section(INCARNATION, 0, DELTAS, first, n, memoryview(b""))
        drop = admit(section, mark)
        seen += range(first + drop, first + n)
        mark, sent = max(mark, section.last), max(sent, section.last)
    assert seen == list(range(1, mark + 1))
