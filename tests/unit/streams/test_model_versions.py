"""An operator says which version is served; what is learned stays the fold of the lessons."""

from __future__ import annotations

import asyncio
import itertools

import msgspec
import pytest

from infra.memory_store import MemoryRedis, Moment
from online_models.finish_serving import parse
from streams.lessons import pack_lessons
from streams.model_versions import Verb
from streams.models_worker import Models
from streams.ports import Record
from tests.lessons_log import INCARNATION, TOPIC, LogRecord, lesson_items, messy_log
from tests.models_world import (
    FINISH,
    KEYS,
    MANIFEST,
    SERVING,
    Crash,
    Letters,
    assert_same,
    assert_tidy,
    founded,
    kept_fold,
    read,
    rebuilds,
    stored_parts,
    straight,
    told,
    versions,
    worker,
)


def wished(redis: MemoryRedis, verb: Verb, version: int, id: str = "w1") -> None:
    wish = {"id": id, "verb": verb, "version": version, "at_ms": 1_700_000_000_500}
    redis.write({KEYS.wish("finish"): msgspec.json.encode(wish)})


def served(redis: MemoryRedis) -> int:
    """What plays workers read, once manifest and key agree on it."""
    version = parse(redis.string(SERVING) or b"").version
    assert int(redis.hash(MANIFEST)["served"]) == version
    return version


@pytest.fixture
async def learned() -> tuple[MemoryRedis, Models, Letters, list[Record]]:
    """A worker that read half of its log."""
    log, redis, outbox = messy_log(300, seed=1), founded(), Letters()
    models = worker(redis, outbox=outbox)
    await models.claim({FINISH})
    await read(models, log[: len(log) // 2], 0, chunk=10)
    await models.settle()
    outbox.sent.clear()
    return redis, models, outbox, log


Learned = tuple[MemoryRedis, Models, Letters, list[Record]]


async def test_a_pinned_version_is_served_while_learning_goes_on(learned: Learned) -> None:
    redis, models, outbox, log = learned
    older, newest = versions(redis)[1].version, versions(redis)[-1].version
    wished(redis, "pin", older)
    await models.answer_wishes()
    assert served(redis) == older
    (decision,) = outbox.decisions()
    assert (decision.decision, decision.detail, decision.at) == ("pinned", {"from": newest, "to": older}, 1_700_000_000_500)
    await read(models, log[: len(log) * 3 // 4], 0, chunk=10)
    await models.revoked({FINISH})
    heir = worker(redis)
    await read(heir, log, (await heir.claim({FINISH}))[FINISH], chunk=10)
    await heir.revoked({FINISH})
    assert served(redis) == older == told(heir).serves and older in {v.version for v in versions(redis)}
    assert_same(await kept_fold(redis), straight(log))
    assert_tidy(redis)


async def test_who_lets_go_serves_the_newest_again(learned: Learned) -> None:
    redis, models, outbox, log = learned
    wished(redis, "rollback", versions(redis)[0].version)
    await models.answer_wishes()
    await models.revoked({FINISH})
    heir = worker(redis, outbox=outbox)
    await read(heir, log, (await heir.claim({FINISH}))[FINISH], chunk=10)
    await heir.settle()
    assert served(redis) == 1
    wished(redis, "unpin", 0, "w2")
    await heir.answer_wishes()
    assert served(redis) == versions(redis)[-1].version
    kinds = dict.fromkeys(d.decision for d in outbox.decisions() if d.decision != "champion")
    assert list(kinds) == ["rollback", "unpinned"]
    more = lesson_items(60, seed=77)
    await heir.receive(TOPIC, {0: [LogRecord(log[-1].offset + 1, pack_lessons(INCARNATION, 7, 1, more))]})
    await heir.settle()
    assert served(redis) == versions(redis)[-1].version, "new versions are served again"


@pytest.mark.parametrize(
    ("verb", "which", "why"),
    [("pin", 999, "not kept; there are 1, "), ("rollback", -1, "not older than"), ("unpin", 0, "nothing is pinned")],
)
async def test_a_wish_that_cannot_be_granted_is_answered_and_changes_nothing(verb: Verb, which: int, why: str, learned: Learned) -> None:
    redis, models, outbox, _ = learned
    before = served(redis)
    wished(redis, verb, which if which >= 0 else before)
    await models.answer_wishes()
    assert why in redis.hash(MANIFEST)["wish_answer"].decode()
    assert served(redis) == before and not outbox.sent


async def test_a_wish_is_answered_once(learned: Learned) -> None:
    redis, models, outbox, _ = learned
    wished(redis, "pin", 1)
    for _ in range(3):
        await models.answer_wishes()
    await models.revoked({FINISH})
    heir = worker(redis, outbox=outbox)
    await heir.claim({FINISH})
    await heir.answer_wishes()
    assert {d.decision_id for d in outbox.decisions()} == {f"{INCARNATION}-finish-wish-w1"}
    assert served(redis) == 1 and redis.hash(MANIFEST)["wish_answer"] == b""


async def test_what_was_learned_meanwhile_is_not_stored_over_a_decision_that_nobody_has(
    learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.models_worker.LEAVE_S", 0.01)
    redis, models, outbox, log = learned
    wished(redis, "pin", 1)
    outbox.open.clear()
    await read(models, log[: len(log) // 2 + 3], 0, chunk=10)
    assert models.held[FINISH].unsaved
    answering = asyncio.create_task(models.answer_wishes())
    await asyncio.sleep(0.01)
    await models.revoked({FINISH})
    await answering
    heard = Letters()
    heir = worker(redis, outbox=heard)
    await read(heir, log, (await heir.claim({FINISH}))[FINISH], chunk=10)
    await heir.revoked({FINISH})
    assert [d.decision for d in heard.decisions() if d.decision != "champion"] == ["pinned"]
    assert_same(await kept_fold(redis), straight(log))


async def test_a_crash_while_a_wish_is_granted_grants_it_in_the_end(learned: Learned) -> None:
    redis, models, _, _ = learned
    await models.revoked({FINISH})
    wished(redis, "pin", 1)
    begun = redis.snapshot()
    for step in itertools.count():
        redis.roll_back(begun)
        moments = itertools.count()

        def hook(moment: Moment, step: int = step, moments: itertools.count[int] = moments) -> None:
            if next(moments) == step:
                raise Crash

        outbox, crashed = Letters(), False
        for attempt in range(2):
            models = worker(redis, hook if attempt == 0 else None, outbox=outbox)
            try:
                await models.claim({FINISH})
                await models.answer_wishes()
            except Crash:
                crashed = True
        assert served(redis) == 1
        assert {d.decision for d in outbox.decisions()} == {"pinned"}
        if not crashed:
            assert step > 3, "the crashes must have covered the run"
            return


async def test_a_pin_outlives_a_rebuild(learned: Learned) -> None:
    redis, models, _, log = learned
    wished(redis, "pin", 1)
    await models.answer_wishes()
    await models.revoked({FINISH})
    redis.write({stored_parts(redis)[0]: None})
    heir = worker(redis)
    await read(heir, log, (await heir.claim({FINISH}))[FINISH], chunk=10)
    await heir.revoked({FINISH})
    assert rebuilds(heir) == ["missing"] and served(redis) == 1
    assert_same(await kept_fold(redis), straight(log))
    assert_tidy(redis)
