"""Chaos on real processes, in small: what `segue chaos` does at length, with the oracle's verdict."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from console.chaos import Options, run
from infra.settings import Settings
from streams.clock import SystemClock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize(("what", "times"), [("kills", 3), ("mixed", 1)])
def test_nothing_is_lost_and_nothing_counts_twice(what: str, times: int, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(Settings(), data_dir=str(tmp_path))
    result = run(settings, Options(what, 5_000, times, 7), SystemClock())
    assert result.ok, result.verdict["errors"] or result
    assert (result.lost, result.double) == (0, 0)
    assert result.lag_min > 0, "every fault struck in the middle of the work"
    assert result.plays >= 4_900 and result.verdict["lessons"] > 0
