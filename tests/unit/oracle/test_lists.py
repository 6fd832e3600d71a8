"""What the oracle says of a list whose user likes, hides and forgets: it passes the right one and finds the wrong one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.events_log import APPENDED_MS, PLAYED_MS
from tests.oracle.fold import PartitionFold, Rules
from tests.oracle.lists import ListsJudge
from tests.oracle.logs import Read
from tests.oracle.verdict import Findings

RULES = Rules(0, 1, 1, "key", 1.0, frozenset(), 0)
MINUTE_MS = 60_000


def fold_of(*events: dict[str, Any]) -> PartitionFold:
    """Ana's events, one a minute, in the order of their offsets."""
    reads = []
    for offset, event in enumerate(events):
        at_ms = PLAYED_MS - 10**8 + offset * MINUTE_MS
        time = {"played_at" if "type" not in event else "at": at_ms}
        told = {"event_id": f"e{offset}", "user_id": "ana", **time, **event}
        reads.append(Read(offset, APPENDED_MS, b"ana", msgspec.json.encode(told), ()))
    return PartitionFold(RULES).run(reads)


def wrongs(fold: PartitionFold, offset: int, *next_: str, because: str = "") -> list[str]:
    """What the oracle says of a list that answers the event at `offset`."""
    entries = [
        {"track_id": track, "score": 0.1, "source": "follows", "because": [because] if because else [], "propensity": 1.0}
        for track in next_
    ]
    value = {
        "recommendation_id": f"c0ff-0-{offset}",
        "user_id": "ana",
        "at": 0,
        "cause": {"event_id": f"e{offset}", "partition": 0, "offset": offset},
        "next": entries,
        "discover": [],
        "model": {"ranker": "r", "finish": None},
    }
    findings = Findings()
    judge = ListsJudge(fold, "c0ffee42", findings, rewound=False)
    judge.run([Read(0, APPENDED_MS, b"ana", msgspec.json.encode(value), ())])
    return [error for error in findings.verdict("c0ffee42", 0.0).errors if "has no list" not in error]


def a(track: str) -> dict[str, Any]:
    return {"track_id": track}


def said(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def until(minute: int) -> int:
    return PLAYED_MS - 10**8 + minute * MINUTE_MS


@pytest.mark.parametrize(
    ("events", "hidden_at"),
    [
        ((said("dislike", track_id="x"), a("p"), said("like", track_id="x")), {0, 1}),
        ((said("like", track_id="x"), said("dislike", track_id="x"), said("undo", undone_event_id="e1")), {1}),
        ((said("block", track_id="x", until=until(2)), a("p"), a("p"), a("p")), {0, 1}),
        ((said("block", track_id="x"), said("unblock", track_id="x"), said("undo", undone_event_id="e1")), {0, 2}),
        ((said("dislike", track_id="x"), said("erase"), a("p")), {0}),
        ((said("block", track_id="y"), a("p")), set()),
        (
            (said("block", track_id="x"), *(said("block", track_id=f"t{n}") for n in range(90)), said("undo", undone_event_id="e0")),
            set(range(92)),
        ),
    ],
)
def test_a_list_with_what_its_user_hides_is_found(events: tuple[dict[str, Any], ...], hidden_at: set[int]) -> None:
    fold = fold_of(*events)
    assert {offset for offset in fold.due if wrongs(fold, offset, "x", "other")} == hidden_at
    assert not any(wrongs(fold, offset, "other") for offset in fold.due)


@pytest.mark.parametrize("by", [{"track_id": "x"}, {"forgotten_event_id": "e0"}])
def test_a_list_that_a_forgotten_play_caused_is_found(by: dict[str, Any]) -> None:
    fold = fold_of(a("x"), a("y"), said("forget", **by), a("y"), a("x"), a("y"))
    assert [bool(wrongs(fold, offset, "other", because="x")) for offset in range(6)] == [False, False, True, True, False, False]
    assert not any(wrongs(fold, offset, "other", because="y") for offset in range(1, 6))


def test_one_of_two_plays_of_a_track_that_is_undone_leaves_the_other_as_a_cause() -> None:
    fold = fold_of(a("x"), a("x"), said("undo", undone_event_id="e0"), a("y"), said("undo", undone_event_id="e1"))
    assert [bool(wrongs(fold, offset, "other", because="x")) for offset in range(5)] == [False, False, False, False, True]


def test_plays_of_a_paused_user_owe_no_list_and_are_private() -> None:
    fold = fold_of(a("x"), said("pause"), a("y"), said("like", track_id="z"), said("resume"), a("y"))
    assert sorted(fold.due) == [0, 1, 3, 4, 5]
    assert (fold.applied, fold.private, fold.plays) == (5, 1, 2)
