"""Nothing that a user disliked or blocked, nor a track of an artist whom they blocked, is in a list of theirs, wherever rounds are cut."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events_log import APPENDED_MS
from tests.oracle.fold import PartitionFold, Rules
from tests.oracle.lists import Lists
from tests.oracle.logs import Read
from tests.oracle.names import artist_hash
from tests.oracle.people import User
from tests.small_world import SMALL, SmallWorld, play

USERS = ("ana", "ben", "cai")
N_TRACKS = 120
N_ARTISTS = 25
NAMES = ("Band {}", "BAND  {}", " band {} ")
"""One artist in several writings."""


def artist_of(track: str) -> int | None:
    """Who made it; of every fifth nobody says it."""
    number = int(track[1:])
    return None if number % 5 == 0 else number % N_ARTISTS


def log_of(seed: int, n: int) -> list[dict[str, object]]:
    """Half plays, half decisions: more of them than a row holds."""
    rng, events = Random(seed), list[dict[str, object]]()
    for i in range(n):
        user, track = rng.choice(USERS), f"t{rng.randrange(N_TRACKS)}"
        if rng.random() < 0.5:
            artist = artist_of(track)
            events.append(play(i, user, track, artist=... if artist is None else rng.choice(NAMES).format(artist)))
            continue
        kind = rng.choice(("like", "dislike", "dislike", "block", "block", "block", "unblock", "undo"))
        at_ms = play(i)["played_at"]
        event: dict[str, object] = {"type": kind, "event_id": f"e{i}", "user_id": user, "at": at_ms}
        if kind == "undo":
            event["undone_event_id"] = f"e{rng.randrange(i + 1)}"
        else:
            event["track_id"] = track
        if kind in {"block", "unblock"} and rng.random() < 0.2:
            del event["track_id"]
            event["artist"] = rng.choice(NAMES).format(rng.randrange(N_ARTISTS))
        if kind == "block" and rng.random() < 0.4:
            event["until"] = play(rng.randrange(n))["played_at"]
        events.append(event)
    return events


async def run(events: list[dict[str, object]], cuts: list[int]) -> tuple[SmallWorld, dict[str, User], tuple[int, int]]:
    """Judge every list by the oracle's fold; the world, the users of the fold, and how many lists had tracks and artists to hide."""
    world = SmallWorld(msgspec.structs.replace(SMALL, explore_share=0.3))
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
    n_hidden = n_blocked = 0
    for made in world.published():
        lists = msgspec.convert(made, Lists)
        due = folds[lists.cause.partition].due[lists.cause.offset]
        hidden = due.life.hidden_at(lists.cause.offset)
        shown = {entry.track_id for entry in (*lists.next, *lists.discover)}
        assert not hidden & shown, f"{lists.recommendation_id} of {due.user_id} after {due.event_id}"
        blocked = {
            n for n in range(N_ARTISTS) if artist_hash(NAMES[0].format(n), "segue") in due.life.hidden_artists_at(lists.cause.offset)
        }
        assert not blocked & {artist_of(track) for track in shown}, f"{lists.recommendation_id} of {due.user_id}: {blocked} are blocked"
        # Who made a liked track may be unknown: nobody need have played it.
        held = Counter(artist for e in lists.discover if e.source != "liked" and (artist := artist_of(e.track_id)) is not None)
        assert max(held.values(), default=0) <= world.settings.artist_max, f"{lists.recommendation_id}: {held}"
        n_hidden += bool(hidden)
        n_blocked += bool(blocked)
    await world.worker.close()
    return world, {name: user for fold in folds for name, user in fold.users.items()}, (n_hidden, n_blocked)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 600), max_size=30))
def test_no_list_holds_what_its_user_hides(seed: int, cuts: list[int]) -> None:
    asyncio.run(run(log_of(seed, 600), cuts))


def test_the_log_is_worth_it() -> None:
    """Lists are long, much is hidden, and rows overflow."""
    world, users, (n_hidden, n_blocked) = asyncio.run(run(log_of(4, 900), list(range(0, 900, 30))))
    assert n_hidden > 700 and n_blocked > 500
    assert all(user.marks.filter.n > 0 for user in users.values())
    assert min(len(world.lists(user)["next"]) for user in USERS) == 20
