"""Nothing that a user disliked or blocked is in a list of theirs, however much they decide, wherever rounds are cut."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events_log import APPENDED_MS
from tests.oracle.fold import PartitionFold, Rules
from tests.oracle.lists import Lists
from tests.oracle.logs import Read
from tests.oracle.people import User
from tests.small_world import SmallWorld, play

USERS = ("ana", "ben", "cai")
N_TRACKS = 120


def log_of(seed: int, n: int) -> list[dict[str, object]]:
    """Half plays, half decisions: more of them than a row holds."""
    rng, events = Random(seed), []
    for i in range(n):
        user, track = rng.choice(USERS), f"t{rng.randrange(N_TRACKS)}"
        if rng.random() < 0.5:
            events.append(play(i, user, track))
            continue
        kind = rng.choice(("like", "dislike", "dislike", "block", "block", "block", "unblock", "undo"))
        at_ms = play(i)["played_at"]
        event: dict[str, object] = {"type": kind, "event_id": f"e{i}", "user_id": user, "at": at_ms}
        if kind == "undo":
            event["undone_event_id"] = f"e{rng.randrange(i + 1)}"
        else:
            event["track_id"] = track
        if kind == "block" and rng.random() < 0.4:
            event["until"] = play(rng.randrange(n))["played_at"]
        events.append(event)
    return events


async def run(events: list[dict[str, object]], cuts: list[int]) -> tuple[SmallWorld, dict[str, User], int]:
    """Judge every list by the oracle's fold; the world, the users of the fold, and how many lists had something to hide."""
    world = SmallWorld()
    await world.claim_all()
    edges = [0, *sorted(cuts), len(events)]
    for a, b in zip(edges, edges[1:], strict=False):
        if a < b:
            await world.play(*events[a:b])
    folds = [
        PartitionFold(Rules(p, 2, 3, world.settings.id_key, 1.0, frozenset(), 0)).run(
            Read(r.offset, APPENDED_MS, r.key, r.value, ()) for r in world.log[p]
        )
        for p in range(2)
    ]
    n_hidden = 0
    for made in world.published():
        lists = msgspec.convert(made, Lists)
        due = folds[lists.cause.partition].due[lists.cause.offset]
        hidden = due.life.hidden_at(lists.cause.offset)
        shown = {entry.track_id for entry in (*lists.next, *lists.discover)}
        assert not hidden & shown, f"{lists.recommendation_id} of {due.user_id} after {due.event_id}"
        n_hidden += bool(hidden)
    await world.worker.close()
    return world, {name: user for fold in folds for name, user in fold.users.items()}, n_hidden


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 600), max_size=30))
def test_no_list_holds_what_its_user_hides(seed: int, cuts: list[int]) -> None:
    asyncio.run(run(log_of(seed, 600), cuts))


def test_the_log_is_worth_it() -> None:
    """Lists are long, much is hidden, and rows overflow."""
    world, users, n_hidden = asyncio.run(run(log_of(4, 900), list(range(0, 900, 30))))
    assert n_hidden > 700
    assert all(user.marks.filter.n > 0 for user in users.values())
    assert min(len(world.lists(user)["next"]) for user in USERS) == 20
