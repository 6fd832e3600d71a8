"""P2: the pure part of a user's row, and every item sent, depend on the log alone, wherever its rounds were cut."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ports import Record
from streams.sections import read_sections
from streams.user_rows import pure_part
from tests.small_world import SMALL, SmallWorld, play

USERS = ("ana", "ben", "cai", "dan")


def log_of(seed: int, n: int) -> list[dict[str, object]]:
    """A lively log: repeats, skips, late and private plays, sessions that end, decisions about tracks, pauses, erasures."""
    rng = Random(seed)
    events: list[dict[str, object]] = []
    for i in range(n):
        user, roll = rng.choice(USERS), rng.random()
        if roll < 0.03:
            events.append({"type": "erase", "event_id": f"x{i}", "user_id": user})
        elif roll < 0.05:
            events.append({"type": rng.choice(("pause", "resume", "resume")), "event_id": f"x{i}", "user_id": user})
        elif roll < 0.17:
            events.append({"event_id": f"x{i}", "user_id": user} | _decision(rng, i))
        elif roll < 0.24 and events:
            events.append(rng.choice(events))
        else:
            events.append(_play(rng, i, user))
    return events


def _decision(rng: Random, i: int) -> dict[str, object]:
    kind = rng.choice(("like", "dislike", "block", "unblock", "undo", "forget"))
    earlier = f"{rng.choice('xe')}{rng.randrange(i + 1)}"
    if kind == "undo":
        return {"type": kind, "undone_event_id": earlier}
    if kind == "forget" and rng.random() < 0.5:
        return {"type": kind, "forgotten_event_id": earlier}
    until = {"until": 1_700_000_000_000 + rng.randrange(120) * 100_000} if kind == "block" and rng.random() < 0.5 else {}
    return {"type": kind, "track_id": f"t{rng.randrange(9)}", "at": 1_700_000_000_000 + i * 100_000} | until


def _play(rng: Random, i: int, user: str) -> dict[str, object]:
    at_ms = 1_700_000_000_000 + i * 100_000 + (-5_000_000 if rng.random() < 0.1 else 0)
    changes: dict[str, object] = {"session_id": rng.choice((f"{user}-1", f"{user}-2", ...))}
    if rng.random() < 0.3:
        changes["ms_played"] = rng.choice((1_000, 20_000, ...))
    if rng.random() < 0.1:
        changes["private"] = True
    return play(i, user, f"t{rng.randrange(9)}", at_ms=at_ms, **changes)


async def run(events: list[dict[str, object]], cuts: list[int], *, with_tracks: bool) -> tuple[dict[str, bytes], dict[object, bytes]]:
    """Pure parts by user, and the bytes of every numbered item run, re-joined by (source, target)."""
    world = SmallWorld()
    await world.claim_all()
    records = world.append(*events)
    edges = [0, *sorted(cuts), len(records)]
    for a, b in zip(edges, edges[1:], strict=False):
        if a < b:
            await (world.handle(records[a:b]) if with_tracks else world.worker.receive(world.worker.events_topic, _chunks(records[a:b])))
            await world.worker.settle()
    rows = {user: pure_part(world.user(user)["row"]) for user in USERS if world.user(user)}
    sent: dict[object, bytes] = defaultdict(bytes)
    for (topic, target), log in sorted(world.outbox.log.items()):
        if "deltas" in topic or "lessons" in topic:
            for out in log:
                for section in read_sections(out.value or b""):
                    sent[topic, section.source, target] += bytes(section.body)[: section.n * 32] if "deltas" in topic else b"%d" % section.n
    await world.worker.close()
    return rows, dict(sent)


def _chunks(records: Sequence[Record]) -> dict[int, list[Record]]:
    chunks: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        chunks[record.partition].append(record)
    return dict(chunks)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 120), max_size=12))
def test_any_cut_of_the_log_gives_the_same_rows_and_the_same_items(seed: int, cuts: list[int]) -> None:
    events = log_of(seed, 120)
    whole = asyncio.run(run(events, [], with_tracks=False))
    cut = asyncio.run(run(events, cuts, with_tracks=True))
    assert cut[0] == whole[0]
    deltas = {key: body for key, body in whole[1].items() if "deltas" in str(key)}
    assert {key: body for key, body in cut[1].items() if "deltas" in str(key)} == deltas


def test_the_log_is_lively() -> None:
    """The property above is worth something only if every kind of event happens in it."""
    rows, sent = asyncio.run(run(log_of(3, 120), [], with_tracks=False))
    assert len(rows) >= 2 and len(sent) >= SMALL.deltas_partitions
