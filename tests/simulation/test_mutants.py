"""Proof that the simulation bites: each safeguard is switched off, and some world must break a promise.

A mutant that survives is a missing fault, or a missing check of the oracle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import pytest

from infra import memory_store
from infra.fenced import Applied, FencedCall, Refused
from infra.memory_store import MemoryRedis
from streams import track_side, user_side
from streams.erasures import Erasure, Erasures
from streams.plays import Plays
from streams.ports import TP, Outgoing
from streams.round_work import Made
from streams.sections import Section
from streams.user_rows import UserRows
from streams.user_side import UserSide
from tests.simulation.faults import Plan
from tests.simulation.run import live
from tests.simulation.worker import Crash, Worker
from tests.simulation.world import World

WORLDS_MAX = 400
"""Seeds that a mutant may survive; the slowest needed a tenth of them when this was written."""


class Mutant(NamedTuple):
    """`switch_off` patches the code; `fault` at one of `steps` must then be seen by the oracle, as `seen`."""

    name: str
    switch_off: Callable[[pytest.MonkeyPatch], None]
    fault: str
    steps: tuple[str, ...]
    seen: str


def forget_in_calls(*fields: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The store no longer looks at these fields of a call's fence: they are always right."""
    whole = memory_store._apply

    def apply(redis: MemoryRedis, call: FencedCall) -> Applied | Refused:
        stored = redis.hash(call.cursor)
        right: dict[str, Any] = {"token": stored.get("token", b"").decode(), "start": int(stored.get("next", b"0"))}
        return whole(redis, msgspec.structs.replace(call, **{field: right[field] for field in fields}) if stored else call)

    return lambda patch: patch.setattr(memory_store, "_apply", apply)


def read_on_where_the_others_were(patch: pytest.MonkeyPatch) -> None:
    """Like a consumer that trusts positions which run ahead of the state."""

    async def position(plays: Plays, tp: TP, cursor: int) -> int:
        worker = plays._group
        assert isinstance(worker, Worker)
        return max([cursor, *(other.position.get(tp, 0) for other in worker.world.workers)])

    patch.setattr(Plays, "_position", position)


def keep_rows_of_lost_partitions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UserRows, "drop_partition", lambda rows, n: None)


def do_not_wait_for_dead_letters(patch: pytest.MonkeyPatch) -> None:
    later: list[asyncio.Future[None]] = []

    async def send(side: UserSide, records: list[Outgoing], landed: list[Made]) -> None:
        letters = [record for record in records if record.topic.endswith(".dead-letters")]
        if letters:
            later.append(asyncio.ensure_future(_by_and_by(side._outbox.publish(letters))))
        await side._outbox.publish([record for record in records if not record.topic.endswith(".dead-letters")])

    patch.setattr(UserSide, "_send", send)


async def _by_and_by(work: Awaitable[None]) -> None:
    with suppress(Crash):
        await asyncio.sleep(0.2)
        await work


def do_not_wait_for_the_round_before(patch: pytest.MonkeyPatch) -> None:
    async def at_once(side: UserSide) -> None:
        return

    patch.setattr(UserSide, "all_published", at_once)


def publish_before_the_store(patch: pytest.MonkeyPatch) -> None:
    apply, publish = UserSide._apply, UserSide._publish

    async def publish_first(side: UserSide, made: list[Made]) -> list[Any]:
        publish(side, made)
        await side.all_published()
        return await apply(side, made)

    patch.setattr(UserSide, "_apply", publish_first)
    patch.setattr(UserSide, "_publish", lambda side, landed: None)


def publish_nothing_again(patch: pytest.MonkeyPatch) -> None:
    async def publish_again(side: UserSide, *args: object) -> None:
        return

    patch.setattr(UserSide, "publish_again", publish_again)


def publish_no_decision_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(user_side, "decision_records", lambda namespace, decided: [])


def erasures_of_a_user_replace_each_other(patch: pytest.MonkeyPatch) -> None:
    """The last that was appended stands, and a zombie may append an older one."""

    def record(erasures: Erasures, erasure: Erasure) -> Outgoing:
        return Outgoing(erasures._topic, 0, erasure.user.encode(), msgspec.json.encode(erasure), [])

    patch.setattr(Erasures, "record", record)


def learn_erasures_at_assignment_alone(patch: pytest.MonkeyPatch) -> None:
    async def nothing_new(plays: Plays) -> None:
        return

    patch.setattr(Erasures, "note", lambda erasures, found: None)
    patch.setattr(Plays, "_learn_what_outlives_state", nothing_new)


def count_items_that_were_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(track_side, "admit", lambda section, watermark: 0)


MUTANTS = [
    Mutant("the whole fence", forget_in_calls("token", "start"), "zombie", ("apply users", "load"), "wrong"),
    Mutant("the token", forget_in_calls("token"), "zombie", ("apply tracks", "apply users", "load"), "wrong"),
    Mutant("the sequence of applies", forget_in_calls("start"), "rollback", ("apply users", "load", "published"), "wrong"),
    Mutant("the seek to the cursor", read_on_where_the_others_were, "crash", ("apply users",), "items are missing"),
    Mutant("the drop of rows after a refusal", keep_rows_of_lost_partitions, "rollback", ("apply users", "users applied"), "wrong"),
    Mutant("the wait for dead letters", do_not_wait_for_dead_letters, "crash", ("apply users", "publish"), "dead_letters_missing"),
    Mutant("the wait for the round before", do_not_wait_for_the_round_before, "crash", ("publish", "half published"), "missing"),
    Mutant("publish after store", publish_before_the_store, "crash", ("apply users",), "the store never had it"),
    Mutant("publish again at a claim", publish_nothing_again, "crash", ("publish", "users applied"), "missing"),
    Mutant("the decisions in what is pending", publish_no_decision_again, "crash", ("publish", "users applied"), "never published"),
    Mutant("a key for each erasure", erasures_of_a_user_replace_each_other, "zombie", ("load", "publish"), "may replace"),
    Mutant("the memory of erasures", learn_erasures_at_assignment_alone, "flush", ("watch", "tracks applied"), "who will be erased"),
    Mutant("the watermark", count_items_that_were_counted, "lost reply", ("published", "half published"), "wrong"),
]


def worlds(fault: str, steps: Sequence[str]) -> Iterable[tuple[int, Plan]]:
    for seed in range(WORLDS_MAX):
        yield seed, Plan({(steps[seed % len(steps)], 1 + seed // len(steps) % 6): fault})


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_without_a_safeguard_some_world_breaks_a_promise(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.switch_off(monkeypatch)
    for seed, plan in worlds(mutant.fault, mutant.steps):
        if any(mutant.seen in what for what in live(seed, plan).wrong):
            return
    pytest.fail(f"{WORLDS_MAX} worlds went well without {mutant.name}")


class TestABrokerThatLosesWhatItAcknowledged:
    """Nothing can be made good then; but it must be noticed, and by the sequence check of the items."""

    @pytest.fixture(autouse=True)
    def losing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = World.land

        def land(world: World, worker: Worker, records: Sequence[Outgoing]) -> None:
            kept = [record for record in records if record.topic != world.deltas_topic or world.rng.random() < 0.8]
            whole(world, worker, kept)

        monkeypatch.setattr(World, "land", land)

    def test_it_stops_the_worker_by_name(self) -> None:
        wrong = [what for seed in range(10) for what in live(seed, Plan({})).wrong]
        assert any("NumberGap" in what for what in wrong)

    def test_without_the_sequence_check_nobody_would_notice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def admit(section: Section, watermark: int) -> int:
            return min(max(0, watermark + 1 - section.first), section.n)

        monkeypatch.setattr(track_side, "admit", admit)
        wrong = [what for seed in range(10) for what in live(seed, Plan({})).wrong]
        assert not any("NumberGap" in what for what in wrong)
        assert any("transitions_wrong" in what for what in wrong), "the oracle does"
