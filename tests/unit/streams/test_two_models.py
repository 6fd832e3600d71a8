"""The second model in the same worker, with lessons of its own kind and answers to those without a label."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from infra.memory_store import MemoryRedis, Moment
from online_models.registry import entry
from streams.model_fold import Fold
from streams.ports import TP, Record
from tests.lessons_log import INCARNATION, TOPIC, messy_log
from tests.models_world import FINISH, KEYS, Crash, assert_same, founded, kept_fold, straight, worker

GENRE = TP(TOPIC, 1)


def answers(redis: MemoryRedis) -> dict[str, bytes]:
    return {key: redis.string(key) or b"" for key in redis.snapshot().values if ":answer:" in key}


def fold_of(log: Sequence[Record]) -> Fold:
    fold = Fold(entry("genre"), INCARNATION)
    for record in log:
        for _ in fold.record(record.offset, record.value):
            pass
    return fold


async def crashes(redis: MemoryRedis, log: Sequence[Record], hook: Callable[[Moment], None] | None) -> bool:
    """A worker that reads the log to its end, or dies on the way."""
    models = worker(redis, hook)
    try:
        start = (await models.claim({FINISH, GENRE}))[GENRE]
        rest = [record for record in log if record.offset >= start]
        for at in range(0, len(rest), 5):
            await models.receive(TOPIC, {1: rest[at : at + 5]})
        await models.revoked({FINISH, GENRE})
    except Crash:
        return True
    finally:
        # A dead process looks at nothing any more; its task would, two seconds later, and claim again.
        await models.close()
    return False


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_step_leaves_the_genre_model_and_its_answers_as_the_fold_makes_them(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.model_shelf.CALL_ANSWERS_MAX", 20)
    log = messy_log(40, seed=3, model="genre")
    expected = fold_of(log)
    said = {KEYS.answer("genre", about): answer for about, answer in expected.answers.items() if answer is not None}
    assert len(said) > 5 and None in expected.answers.values()
    for step in itertools.count(0, 2):
        redis, moments = founded(), itertools.count()

        def hook(moment: Moment, step: int = step, moments: itertools.count[int] = moments) -> None:
            if moment.when == when and next(moments) == step:
                raise Crash

        crashed = await crashes(redis, log, hook)
        if crashed:
            assert not await crashes(redis, log, None)
        heir = worker(redis)
        await heir.claim({GENRE})
        assert_same(heir.held[GENRE].fold, expected)
        assert answers(redis) == said
        await heir.close()
        if not crashed:
            assert step > 10, "the crashes must have covered the run"
            return


async def test_two_models_share_a_worker_and_nothing_else() -> None:
    redis, finish, genre = founded(), messy_log(60, seed=4), messy_log(25, seed=4, model="genre")
    models = worker(redis)
    assert await models.claim({FINISH, GENRE}) == {FINISH: 0, GENRE: 0}
    for at in range(0, max(len(finish), len(genre)), 4):
        await models.receive(TOPIC, {0: finish[at : at + 4], 1: genre[at : at + 4]})
    await models.revoked({GENRE})
    assert models.held.keys() == {FINISH}
    await models.revoked({FINISH})
    assert_same(await kept_fold(redis), straight(finish))
    assert int(redis.hash(KEYS.model_cursor("genre"))["applied"]) == 75
