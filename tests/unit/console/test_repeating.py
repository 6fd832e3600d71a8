"""On repeat: what a user will play again, best first, without what they hide or forgot."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from console.commands.repeating import recommend_again
from console.trouble import Exit, Trouble
from infra.keys import Keys
from online_models.counts.model import CountsModel
from tests.listening_of_known_habits import listening
from tests.small_world import SMALL, SmallWorld, play
from tests.state_in_memory import MemoryState

SERVING = Keys(SMALL.namespace).serving("counts")
TRACKS = {f"t{n}" for n in range(10)}


@pytest.fixture(scope="module")
def served() -> bytes:
    model = CountsModel()
    for lesson in listening(900, 6):
        model.learn_one(*lesson)
    return model.serving(1)


def a_listener(served: bytes | None, *decisions: dict[str, Any]) -> tuple[MemoryState, int]:
    """Ana hears t0 of band 0 every other time, t1 to t9 of nine bands once each, and then decides; when her last play was."""
    world = SmallWorld()
    events = [play(n, track=t, artist=f"band {t[1]}") for n in range(18) for t in ["t0" if n % 2 else f"t{n // 2 + 1}"]]

    async def run() -> None:
        await world.claim_all()
        await world.play(*events)
        await world.play(*({"event_id": f"d{n}", "user_id": "ana"} | decision for n, decision in enumerate(decisions)))

    asyncio.run(run())
    if served is not None:
        world.store.redis.write({SERVING: served})
    return MemoryState(SMALL, world.store.redis), int(str(events[-1]["played_at"]))


def told(state: MemoryState, at_ms: int, capsys: pytest.CaptureFixture[str], n: int = 20) -> list[dict[str, Any]]:
    recommend_again(state, "ana", at_ms, n, as_json=True)
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["user_id"] == "ana"
    return list(found["again"])


def test_what_will_be_played_most_comes_first(served: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    state, at_ms = a_listener(served)
    found = told(state, at_ms, capsys)
    assert {entry["track_id"] for entry in found} == TRACKS and found[0]["track_id"] == "t0"
    week = [entry["in_7_days"] for entry in found]
    assert week == sorted(week, reverse=True) and week[0] > week[1]
    assert all(0.0 < entry["in_7_days"] <= entry["in_30_days"] * 1.5 for entry in found)
    assert told(state, at_ms, capsys, n=3) == found[:3]
    recommend_again(state, "ana", at_ms, 3, as_json=False)
    assert "on repeat for ana" in capsys.readouterr().out


def test_nothing_that_the_user_hides_or_forgot_is_in_it(served: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    state, at_ms = a_listener(
        served,
        {"type": "dislike", "track_id": "t0"},
        {"type": "block", "track_id": "t1"},
        {"type": "block", "artist": "Band 2"},
        {"type": "forget", "track_id": "t3"},
        {"type": "like", "track_id": "t4"},
    )
    assert {entry["track_id"] for entry in told(state, at_ms, capsys)} == TRACKS - {"t0", "t1", "t2", "t3"}


@pytest.mark.parametrize(
    ("decisions", "is_served", "words", "command"),
    [
        ([], False, "no models worker learned play counts yet", "segue up"),
        ([{"type": "forget", "track_id": track} for track in sorted(TRACKS)], True, "no play that is not forgotten", "segue send"),
        ([{"type": "block", "track_id": track} for track in sorted(TRACKS)], True, "disliked or blocked all", "segue user ana"),
    ],
)
def test_what_is_missing_is_said(
    served: bytes, decisions: list[dict[str, Any]], is_served: bool, words: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state, at_ms = a_listener(served if is_served else None, *decisions)
    with pytest.raises(Trouble, match=words) as caught:
        told(state, at_ms, capsys)
    assert caught.value.code == Exit.FAILURE and command in caught.value.next_command


def test_a_user_whom_nobody_knows_has_no_list(served: bytes) -> None:
    state, at_ms = a_listener(served)
    with pytest.raises(Trouble, match="'bob' is unknown"):
        recommend_again(state, "bob", at_ms, 5, as_json=True)
