"""Segue in process: the real pipeline, tested play by play."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from evaluation.contest import Options, evaluate
from evaluation.log import Log, new_log
from infra.settings import Settings

SMALL = Settings(events_partitions=2, deltas_partitions=3, user_rows_max=64, track_rows_max=512)
START_MS = 1_700_000_000_000
USERS, ALBUM, ROUNDS = 6, 8, 5


@contextmanager
def _quietly(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def _albums() -> list[tuple[str, str, str]]:
    """Users go through one album again and again, each in sessions of their own: (user, track, session)."""
    return [(f"u{u}", f"t{t}", f"s{r}-{u}") for r in range(ROUNDS) for t in range(ALBUM) for u in range(USERS)]


def _log(rows: list[tuple[str, str, str]]) -> Log:
    codes = [np.unique(column, return_inverse=True)[1].astype(np.int64) for column in zip(*rows, strict=True)]
    return new_log(codes[0], codes[1], START_MS + 60_000 * np.arange(len(rows)), session=codes[2])


def _events(rows: list[tuple[str, str, str]]) -> Iterator[tuple[bytes, bytes]]:
    for i, (user, track, session) in enumerate(rows):
        event = {"event_id": f"e{i}", "user_id": user, "track_id": track, "played_at": START_MS + 60_000 * i, "session_id": session}
        yield user.encode(), msgspec.json.encode(event)


async def _report(rows: list[tuple[str, str, str]], **changes: Any) -> dict[str, Any]:
    n = len(rows)
    options = Options(
        protocol="next-track", eval_from=n // 2, learn_until=n, round_plays=USERS, delay=0, seed=1, rivals=("markov",)
    )._replace(**changes)
    return await evaluate(SMALL, _log(rows), _events(rows), options, _quietly)


async def test_what_always_follows_is_found() -> None:
    report = await _report(_albums())
    n = ROUNDS * USERS * (ALBUM - 1)
    assert (report["whole"]["tested"], report["refused"]) == (n, 0)
    assert report["hr1"] > 0.9 and report["rivals"]["markov"]["hr1"] == 1.0
    assert report["whole"]["hr1"] < report["hr1"], "nobody knew the album at first"


async def test_a_run_is_a_function_of_its_seed() -> None:
    rng = np.random.default_rng(2)
    rows = [(f"u{rng.integers(USERS)}", f"t{rng.zipf(1.5) % 40}", "s") for _ in range(600)]
    first, again = [await _report(rows, rivals=()) for _ in range(2)]
    timed = {"us_per_play", "pipeline_us_per_play"}
    assert {k: v for k, v in first.items() if k not in timed} == {k: v for k, v in again.items() if k not in timed}


@pytest.mark.parametrize("round_plays", [1, 7, 500])
async def test_rounds_of_any_size_test_every_play(round_plays: int) -> None:
    report = await _report(_albums(), round_plays=round_plays)
    assert report["whole"]["tested"] == ROUNDS * USERS * (ALBUM - 1)
    assert report["whole"]["hr20"] > 0.5


async def test_frozen_tables_do_not_learn_and_users_go_on() -> None:
    report = await _report(_albums(), learn_until=0)
    assert report["rivals"]["markov"]["whole"]["hr20"] == 0.0
    splits = report["splits"]["track"]
    assert splits["repeat"]["hr20"] > 0.9, "a user's own past is theirs"
    frozen = await _report(_albums(), learn_until=0, eval_from=0)
    assert frozen["splits"]["track"]["new to the user"]["hr20"] == 0.0


async def test_tables_lack_exactly_the_plays_of_the_delay() -> None:
    """The second user needs, after track i, what the first did 7 plays earlier (the play in hand not counted)."""
    rows = [(f"u{u}", f"t{t}", f"s{u}") for u in range(2) for t in range(ALBUM)]
    found = {delay: (await _report(rows, delay=delay, round_plays=1, eval_from=ALBUM))["hr20"] for delay in (0, 6, 7)}
    assert found == {0: 1.0, 6: 1.0, 7: 0.0}


async def test_flurs_tests_discover_on_every_play() -> None:
    """Everybody goes through the album once; what a user played is never right again; before their first play stands what is popular."""
    rows = [(f"u{u}", f"t{t}", f"s{u}") for u in range(USERS) for t in range(ALBUM)]
    report = await _report(rows, protocol="flurs", round_plays=1, eval_from=ALBUM, rivals=("popularity",))
    assert report["tested"] == (USERS - 1) * ALBUM
    assert report["recall10"] == report["hr10"] == 1.0
    assert report["lists"]["coverage"] == 1.0, "who has no list yet is shown what is popular, the first track too"
    assert report["rivals"]["popularity"]["recall10"] == 1.0
    assert [part["until"] for part in report["curve"]][-1] == len(rows)
