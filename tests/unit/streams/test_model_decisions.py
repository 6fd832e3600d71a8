"""What a model decides is published, whatever step its worker dies at, under one id."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from streams.ports import Record
from tests.lessons_log import messy_log
from tests.models_world import FINISH, Crash, Letters, founded, read, stored_parts, straight, told, worker


@pytest.fixture
def fickle(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """A log whose model changes its champion again and again."""
    monkeypatch.setattr("online_models.contest.REIGN_MIN", 5)
    monkeypatch.setattr("online_models.contest.MARGIN", 0.0)
    return messy_log(120, seed=19)


@pytest.fixture
def restless(fickle: list[Record], monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """The same, and its members' errors rise again and again."""
    for name, value in (("MEAN_OF", 3), ("TOLERATED", 0.0), ("ENOUGH", 0.3), ("GRACE", 2)):
        monkeypatch.setattr(f"online_models.error_drift.{name}", value)
    monkeypatch.setattr("online_models.contest.REOPENED_MIN", 2)
    return fickle


async def test_a_change_of_champion_is_a_decision_that_is_published_once(fickle: list[Record]) -> None:
    redis, outbox = founded(), Letters()
    models = worker(redis, outbox=outbox)
    await models.claim({FINISH})
    await read(models, fickle, 0, chunk=3)
    await models.revoked({FINISH})
    expected = straight(fickle).decided
    assert outbox.decisions() == expected and len(expected) > 1
    first = expected[0]
    assert (first.model, first.decision, first.detail["from"], first.detail["to"]) == ("finish", "champion", "linear", "tree")
    assert {record.key for record in outbox.sent} == {b"finish"}
    assert {record.topic for record in outbox.sent} == {"night.decisions"}
    assert outbox.sent[0].pairs()[1:3] == [("ce_id", first.decision_id.encode()), ("ce_type", b"segue.decision.v1")]


async def test_drifts_are_counted_with_the_snapshot_that_knows_of_them(restless: list[Record]) -> None:
    models = worker(founded(), outbox=Letters())
    await models.claim({FINISH})
    await read(models, restless, 0, chunk=3)
    await models.revoked({FINISH})
    assert told(models).drifts == sum(decision.decision == "drift" for decision in straight(restless).decided) > 0


@pytest.mark.parametrize("when", ["before", "after", "publish"])
async def test_a_crash_at_any_step_publishes_every_decision_under_its_one_id(when: str, restless: list[Record]) -> None:
    expected = straight(restless).decided
    assert {decision.decision for decision in expected} == {"champion", "drift"}
    for step in itertools.count():
        redis, crashed, moments, told_twice = founded(), False, itertools.count(), Letters()

        def die(step: int = step, moments: itertools.count[int] = moments) -> None:
            if next(moments) == step:
                raise Crash

        outbox = Letters(die if when == "publish" else lambda: None)
        for attempt in range(3):
            hook = (lambda moment: die() if moment.when == when else None) if attempt == 0 and when != "publish" else None
            models = worker(redis, hook, outbox=outbox)
            try:
                await read(models, restless, (await models.claim({FINISH}))[FINISH], chunk=3)
                await models.revoked({FINISH})
            except Crash:
                crashed = True
                continue
            break
        last = worker(redis, outbox=told_twice)
        await last.claim({FINISH})
        found = outbox.decisions() + told_twice.decisions()
        assert {d.decision_id: d for d in found} == {d.decision_id: d for d in expected}
        assert list(dict.fromkeys(d.decision_id for d in outbox.decisions())) == [d.decision_id for d in expected]
        if not crashed:
            assert step >= (2 if when == "publish" else 10), "the crashes must have covered the run"
            return


async def test_nothing_is_stored_over_a_decision_that_nobody_has(fickle: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.models_worker.LEAVE_S", 0.01)
    redis, outbox = founded(), Letters()
    models = worker(redis, outbox=outbox)
    await models.claim({FINISH})
    outbox.open.clear()
    learning = asyncio.create_task(read(models, fickle, 0, chunk=3))
    await asyncio.sleep(0.05)
    stored = redis.snapshot()
    await models.revoked({FINISH})
    await learning
    assert redis.snapshot() == stored and not outbox.sent
    heard = Letters()
    heir = worker(redis, outbox=heard)
    start = (await heir.claim({FINISH}))[FINISH]
    assert heard.sent, "what the worker before could not publish"
    await read(heir, fickle, start, chunk=3)
    await heir.revoked({FINISH})
    assert heard.decisions() == straight(fickle).decided


async def test_a_rebuild_is_a_decision_and_publishes_no_old_one_again(fickle: list[Record]) -> None:
    redis, outbox = founded(), Letters()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, fickle, 0, chunk=3)
    await models.revoked({FINISH})
    redis.write({stored_parts(redis)[0]: None})
    heir = worker(redis, outbox=outbox)
    await heir.claim({FINISH})
    await read(heir, fickle, 0, chunk=3)
    await heir.revoked({FINISH})
    assert [(d.decision, d.detail["reason"]) for d in outbox.decisions()] == [("rebuilt", "missing")]
