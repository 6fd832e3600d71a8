"""Listening lessons: every play of a sampled user, in the order of the log, for both models that learn from them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from online_models.arrays import Items
from online_models.lesson_formats import BROKEN_OFF, ERASED, HEARD_OUT, LISTENED, UNKNOWN
from online_models.registry import MODELS
from streams.ids import id_hash
from streams.listening import PUPILS
from streams.sections import read_sections
from tests.small_world import SMALL, SmallWorld, play

KEY = SMALL.id_key.encode()


async def a_world(**changes: Any) -> SmallWorld:
    world = SmallWorld(msgspec.structs.replace(SMALL, **changes))
    await world.claim_all()
    return world


def sent(world: SmallWorld, partition: int) -> Items:
    """The lessons on a partition of the lessons topic, which must be numbered without a hole."""
    marks: dict[int, int] = {}
    found = [np.zeros(0, LISTENED)]
    for record in world.outbox.log.get((f"{world.settings.namespace}.internal.lessons", partition), []):
        for section in read_sections(record.value or b""):
            assert section.first == marks.get(section.source, 0) + 1
            marks[section.source] = section.last
            found.append(np.frombuffer(section.body, LISTENED))
    return np.concatenate(found)


def hashed(name: str) -> int:
    return id_hash(name, KEY) & (2**64 - 1)


async def test_both_models_get_every_play_with_what_the_event_and_the_rows_say() -> None:
    world = await a_world()
    await world.play(play(0, track="t1"), play(1, track="t1", ms_played=60_000))
    await world.play(play(2, track="t1", duration_ms=..., ms_played=...))
    await world.play(play(3, track="t2", duration_ms=..., ms_played=..., reason_end="trackdone"))
    lessons = sent(world, 3)
    assert lessons.tobytes() == sent(world, 4).tobytes()
    assert lessons["ended"].tolist() == [HEARD_OUT, BROKEN_OFF, UNKNOWN, HEARD_OUT]
    assert lessons["seconds"].tolist() == [200.0, 60.0, -1.0, -1.0]
    assert lessons["length_s"].tolist() == [210.0, 210.0, 0.0, 0.0]
    assert lessons["is_new"].tolist() == [1, 0, 0, 1]
    assert lessons["track_plays"].tolist() == [0.0, 0.0, 2.0, 0.0], "a round does not see its own plays in the tracks' rows"
    assert lessons["track_finishes"].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert set(lessons["user"].tolist()) == {hashed("ana")}
    assert lessons["track"].tolist() == [*[hashed("t1")] * 3, hashed("t2")]
    assert lessons["at_ms"].tolist() == [play(n)["played_at"] for n in range(4)]
    assert set(lessons["weight"].tolist()) == {1.0} and set(lessons["source"].tolist()) == {next(p for p, log in world.log.items() if log)}


async def test_what_is_no_play_is_no_lesson_but_an_erasure() -> None:
    world = await a_world()
    first = play(0, track="t1")
    await world.play(first, first, play(1, private=True), {"event_id": "l", "user_id": "ana", "type": "like", "track_id": "t1"})
    await world.play({"event_id": "p", "user_id": "ana", "type": "pause"}, play(2))
    await world.play({"event_id": "x", "user_id": "ana", "type": "erase"})
    lessons = sent(world, 3)
    assert lessons["ended"].tolist() == [HEARD_OUT, ERASED]
    assert lessons["user"].tolist() == [hashed("ana")] * 2 and lessons["track"].tolist() == [hashed("t1"), 0]


async def test_a_user_is_sampled_with_all_plays_or_with_none() -> None:
    world = await a_world(listening_rate=0.5)
    users = [f"user{n}" for n in range(40)]
    await world.play(*(play(n, user, event_id=f"{user}-{n}") for n in range(3) for user in users))
    lessons = sent(world, 4)
    chosen = {hashed(user) for user in users if hashed(user) < 2**63}
    assert 10 < len(chosen) < 30 and len(lessons) == 3 * len(chosen)
    assert set(lessons["user"].tolist()) == chosen and set(lessons["weight"].tolist()) == {2.0}


@pytest.mark.parametrize(("changes", "n"), [({"listening_rate": 0.0}, (0, 0)), ({"lessons_partitions": 4}, (1, 0))])
async def test_nobody_is_told_where_nobody_listens(changes: dict[str, Any], n: tuple[int, int]) -> None:
    world = await a_world(**changes)
    await world.play(play(0))
    assert (len(sent(world, 3)), len(sent(world, 4))) == n


def test_the_pupils_are_those_of_the_registry() -> None:
    assert tuple((entry.name, entry.partition) for entry in MODELS if entry.learns_from == "plays" and entry.name != "finish") == PUPILS
