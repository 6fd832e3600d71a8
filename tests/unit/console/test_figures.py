"""Figures that commands print: sums of days, what the demo says at its end, and records made readable."""

from __future__ import annotations

from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from console import decode
from console.cursors import Counts, Place
from console.demo_figures import Figures
from console.demo_followed import N_ENTRIES, N_HEARD
from console.demo_markov import Tally
from console.demo_result import Effect, Result
from console.demo_view import Entry, Followed, Frame, Heard, Lines, Rates, bars, draw, line
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


SKIP = Effect("skip", "ana-000", "t-pop-0001", "Low Rain", 2, 14, 41.4)
BLOCK = Effect("block", "ana-000", "t-pop-0002", "Blue Train", 1, None, 38.0)


def _result(**changes: Any) -> Result:
    figures: dict[str, Any] = {"hr20": 0.5, "mrr20": 0.3, "markov_hr20": 0.4, "popularity_hr20": 0.05, "lost": 0, "double": 0}
    figures |= {"skip": SKIP, "block": BLOCK} | changes
    return Result(plays=12_000, lists=11_940, first_list_s=6.25, latency_p50_ms=12.0, latency_p99_ms=30.0, **figures)


def test_a_good_demo_says_so_in_its_last_line() -> None:
    assert _result().line() == (
        "demo ok plays=12000 lists=11940 first_list_s=6.2 hr20=0.5000 markov_hr20=0.4000 popularity_hr20=0.0500 "
        "new_shown=0 new_played=0 skip_effect=2->14,41ms block_effect=1->gone,38ms lost=0 double=0"
    )


def test_a_demo_that_was_too_short_to_skip_or_block_says_so_and_is_no_failure() -> None:
    result = _result(skip=None, block=None)
    assert result.line().startswith("demo ok") and "skip_effect=none block_effect=none" in result.line()


UNANSWERED = msgspec.structs.replace(BLOCK, ms=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"lost": 1},
        {"double": 1},
        {"hr20": 0.09},
        {"hr20": 0.0, "popularity_hr20": 0.0},
        {"broken": ["P2"]},
        {"blocked_listed": 1},
        {"block": UNANSWERED},
    ],
)
def test_a_demo_with_a_fault_never_says_ok(changes: dict[str, Any]) -> None:
    result = _result(**changes)
    assert not result.ok
    assert result.line().startswith("demo FAILED")
    assert result.why()


FOLLOWED = Followed(
    "ana-000",
    [
        "leans to jazz: 9 of the last 10 plays, 12 of 20 listed; one of 12 micro-genres: jazz: quiet · Paper Foxes",
        "exploring 71 % (linear), returning 50 % (blend)",
        "most played in jazz: Strange Mountain · Electric Satellites 42; Low Rain · Paper Foxes; Cold Fire · Paper Foxes",
        "new: Low Rain · Paper Foxes came out 14 s ago, unnoticed; lists showed it to 12, 3 played it",
    ],
    ([Heard("Strange Mountain", True), Heard("Strange Mountain", False, by_demo=True), Heard("Cold Fire", None)] * 2)[:N_HEARD],
    (
        [Entry("Strange Mountain · Electric Satellites 42", "follows", ["Strange Mountain", "Cold Fire"]), Entry("Low Rain", "popular", [])]
        * 3
    )[:N_ENTRIES],
    [SKIP.told(), BLOCK.told()],
)


def _frame(hr20: float | None, followed: Followed = FOLLOWED) -> Frame:
    rates = Rates(hr20, hr20, hr20)
    return Frame(3.0, 30.0, 900, 310.0, 880, 300.0, 12.0, 40.0, rates, rates, [0.1, 0.5] * 50, followed)


@pytest.mark.parametrize("hr20", [None, 0.43])
def test_a_frame_in_one_line_has_the_rates_of_all_three(hr20: float | None) -> None:
    assert "900 plays (310/s)" in line(_frame(hr20))
    share = "-" if hr20 is None else "0.430"
    assert line(_frame(hr20)).endswith(f"HR@20 {share} now (Markov {share}), {share} in all (Markov {share}, popularity {share})")


@pytest.mark.parametrize("hr20", [None, 0.43])
@pytest.mark.parametrize("followed", [FOLLOWED, Followed("ana-000", [], [], [], [])])
def test_a_frame_fits_a_screen_of_100_columns_and_24_rows(hr20: float | None, followed: Followed) -> None:
    out = StringIO()
    Console(width=100, file=out, color_system=None).print(draw(_frame(hr20, followed)))
    shown = out.getvalue().splitlines()
    assert len(shown) <= 24 and max(map(len, shown)) <= 100
    if followed is FOLLOWED:
        assert any(
            "✓ Strange Mountain" in row and "1 Strange Mountain · Electric" in row and "follows Strange Mountain" in row for row in shown
        )
        assert any(SKIP.told() in row for row in shown) and any(BLOCK.told() in row for row in shown)
        assert all(any(told[:60] in row for row in shown) for told in FOLLOWED.music)


def test_lines_tell_an_effect_once_and_the_list_with_its_reasons() -> None:
    out = StringIO()
    lines = Lines(Console(file=out, soft_wrap=True))
    lines.show(_frame(0.4, FOLLOWED._replace(effects=[])))
    lines.show(_frame(0.4, FOLLOWED._replace(effects=[SKIP.told()])))
    lines.show(_frame(0.4))
    told = out.getvalue()
    assert told.count(SKIP.told()) == told.count(BLOCK.told()) == 1
    assert (
        told.count("900 plays")
        == told.count("next: 1 Strange Mountain · Electric Satellites 42 (follows Strange Mountain, Cold Fire); 2 Low")
        == 1
    )


def test_rates_of_the_last_seconds_and_of_all_are_over_the_same_plays_for_each_rival() -> None:
    figures = Figures()
    assert (figures.now(), figures.in_all()) == (Rates(), Rates())
    figures.measured(100.0, Measures(plays=100, hits=20, popular_hits=10), Tally(100, 30))
    figures.measured(104.0, Measures(plays=300, hits=120, popular_hits=30), Tally(300, 90))
    assert figures.now() == Rates(0.5, 0.3, 0.1)
    assert figures.in_all() == Rates(0.4, 0.3, 0.1)
    figures.measured(109.5, Measures(plays=300, hits=120, popular_hits=30), Tally(300, 90))
    assert figures.now() == Rates(), "nothing was tested in the last five seconds"


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
