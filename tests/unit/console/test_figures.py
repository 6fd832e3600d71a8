"""Figures that commands print: sums of days, what the demo says at its end, and records made readable."""

from __future__ import annotations

import pytest

from console import decode
from console.cursors import Counts, Place
from console.demo_result import Result
from console.demo_view import Frame, Heard, bars, draw, line
from console.measures import Measures, parse, since
from streams.sections import DELTAS, pack_section

FIELDS = {
    "2015-01-19:plays": b"10",
    "2015-01-19:hits": b"6",
    "2015-01-19:rr_e6": b"3000000",
    "2015-01-19:popular_hits": b"1",
    "2015-01-20:plays": b"30",
    "2015-01-20:hits": b"14",
    "2015-01-20:first_plays": b"2",
    "2015-01-20:later_measure": b"2",
}


def test_days_add_up_exactly() -> None:
    days = parse(FIELDS)
    rates = since(days, "").rates()
    assert (rates["plays"], rates["hr20"], rates["mrr20"], rates["popularity_hr20"]) == (40, 0.5, 0.075, 0.025)
    assert since(days, "2015-01-20").rates()["hr20"] == pytest.approx(14 / 30)


def test_nothing_tested_is_no_rate() -> None:
    assert Measures().rates()["hr20"] is None


def test_a_measure_of_a_later_release_is_passed_over() -> None:
    assert set(parse(FIELDS)) == {"2015-01-19", "2015-01-20"}


def test_counts_add_up_to_the_records() -> None:
    counts = Counts(applied=10, duplicate=2, rejected=1, private=3)
    assert counts.total == 16
    assert counts.minus(Counts(applied=4)).applied == 6


def test_a_cursor_behind_the_end_has_nothing_left() -> None:
    assert (Place(7, 10).left, Place(10, 10).left, Place(12, 10).left) == (3, 0, 0)


def _result(**changes: float) -> Result:
    figures = {"hr20": 0.5, "popularity_hr20": 0.05, "lost": 0, "double": 0} | changes
    return Result(
        12_000, 11_940, 6.25, 12.0, 30.0, figures["hr20"], 0.3, figures["popularity_hr20"], int(figures["lost"]), int(figures["double"])
    )


def test_a_good_demo_says_so_in_its_last_line() -> None:
    assert _result().line() == "demo ok plays=12000 lists=11940 first_list_s=6.2 hr20=0.5000 popularity_hr20=0.0500 lost=0 double=0"


@pytest.mark.parametrize("changes", [{"lost": 1}, {"double": 1}, {"hr20": 0.09}, {"hr20": 0.0, "popularity_hr20": 0.0}])
def test_a_demo_with_a_fault_never_says_ok(changes: dict[str, float]) -> None:
    result = _result(**changes)
    assert not result.ok
    assert not result.line().startswith("demo ok")
    assert result.why()


def _frame(hr20: float | None) -> Frame:
    heard = [Heard("Blue Train · Night Foxes", True), Heard("Cold Fire · Velvet Wolves", None)]
    return Frame(3.0, 30.0, 900, 310.0, 880, 300.0, 12.0, 40.0, hr20, hr20, 0.04, [0.1, 0.5], "ana-000", heard, ["Low Rain"])


@pytest.mark.parametrize("hr20", [None, 0.43])
def test_a_frame_can_be_shown_as_a_line_and_as_a_screen(hr20: float | None) -> None:
    assert "900 plays (310/s)" in line(_frame(hr20))
    assert draw(_frame(hr20)) is not None


def test_bars_show_the_last_shares() -> None:
    assert bars([0.0] * 100 + [1.0], width=3) == "▁▁█"


def test_internal_records_are_shown_by_their_sections() -> None:
    raw = pack_section("00c0ffee", 3, DELTAS, 17, 2, b"ab")
    assert decode.internal(raw) == [{"kind": "deltas", "incarnation": "00c0ffee", "source": 3, "first": 17, "n": 2, "bytes": 2}]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(b'{"a": 1}', {"a": 1}), (b"plain", "plain"), (b"\xff", {"hex": "ff", "bytes": 1}), (None, None), (b"[" * 3_000, "[" * 3_000)],
)
def test_any_value_can_be_shown(raw: bytes | None, shown: object) -> None:
    assert decode.value(raw) == shown
