"""The models worker loses and doubles no lesson, whatever step it dies at."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

import pytest

from infra.memory_store import MemoryRedis, Moment, ReplyLost
from online_models.finish_serving import parse
from streams.claims import NeedsRebuild
from streams.lessons import pack_lessons
from streams.models_worker import snapshot_after
from streams.ports import TP
from streams.sections import NumberGap
from tests.lessons_log import INCARNATION, TOPIC, LogRecord, lesson_items, messy_log
from tests.models_world import (
    CURSOR,
    FINISH,
    KEYS,
    MANIFEST,
    META,
    SERVING,
    Crash,
    Kafka,
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


async def test_a_first_start_makes_the_namespace_and_reads_from_the_beginning() -> None:
    redis = MemoryRedis()
    assert await worker(redis).claim({FINISH, TP(TOPIC, 7), TP("night.events", 0)}) == {FINISH: 0}
    assert len(redis.hash(KEYS.meta())["incarnation"]) == 8


async def test_what_was_learned_is_served_and_found_again_by_the_next_owner() -> None:
    log, redis = messy_log(300, seed=1), founded()
    models = worker(redis)
    await read(models, log, (await models.claim({FINISH}))[FINISH], chunk=10)
    await models.revoked({FINISH})
    assert_same(await kept_fold(redis), straight(log))
    version = int(redis.hash(MANIFEST)["version"])
    served = redis.string(SERVING)
    assert served is not None and parse(served).version == version > 3
    assert [v.version for v in versions(redis)][-1] == version
    assert [v.lessons for v in versions(redis)] == sorted({v.lessons for v in versions(redis)}) and versions(redis)[-1].lessons == 900
    assert_tidy(redis)
    assert int(redis.hash(CURSOR)["next"]) == log[-1].offset + 1
    assert told(models).versions == list(range(1, version + 1))
    assert (told(models).taught, told(models).refused) == (900, 0)


async def test_snapshots_are_early_at_first_and_then_rarer() -> None:
    assert [snapshot_after(n, 500) for n in (0, 400, 1_000, 100_000)] == [50, 50, 125, 500]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_step_loses_and_doubles_nothing(when: str) -> None:
    log = messy_log(60, seed=2)
    expected = straight(log)
    for step in itertools.count():
        redis, crashed = founded(), False
        moments = itertools.count()

        def hook(moment: Moment, step: int = step, moments: itertools.count[int] = moments) -> None:
            if moment.when == when and next(moments) == step:
                raise Crash

        for attempt in range(3):
            models = worker(redis, hook if attempt == 0 else None)
            try:
                start = (await models.claim({FINISH}))[FINISH]
                await read(models, log, start, chunk=3)
                await models.revoked({FINISH})
            except Crash:
                crashed = True
                continue
            break
        assert rebuilds(models) == [], "a crash never costs the snapshot"
        assert_same(await kept_fold(redis), expected)
        assert_tidy(redis)
        if not crashed:
            assert step > 10, "the crashes must have covered the run"
            return


async def test_a_lost_reply_at_any_step_changes_nothing() -> None:
    log, redis = messy_log(60, seed=2), founded()
    lost = itertools.cycle([True, False])

    def hook(moment: Moment) -> None:
        if moment.when == "after" and next(lost):
            raise ReplyLost

    models = worker(redis, hook)
    await read(models, log, (await models.claim({FINISH}))[FINISH], chunk=7)
    await models.revoked({FINISH})
    assert_same(await kept_fold(redis), straight(log))


@pytest.mark.parametrize("n", [100, 3], ids=["refused while it learns", "refused while it leaves"])
async def test_a_zombie_changes_nothing_and_gives_up(n: int) -> None:
    log, redis = messy_log(100, seed=3), founded()
    zombie, heir = worker(redis), worker(redis)
    await zombie.claim({FINISH})
    await heir.claim({FINISH})
    await read(heir, log, 0, chunk=10)
    await heir.settle()
    before = redis.snapshot()
    await read(zombie, log[:n], 0, chunk=10)
    await zombie.revoked({FINISH})
    for _ in range(200):
        await asyncio.sleep(0)
    assert redis.snapshot() == before, "its heir's token stands: it claims nothing that it does not own"
    assert zombie.held == {}
    assert told(zombie).fences == 1
    await zombie.close()


async def test_a_refused_partition_is_claimed_again_after_kafka_confirmed_us() -> None:
    log, redis = messy_log(100, seed=3), founded()
    kafka = Kafka()
    models = worker(redis, kafka=kafka)
    await models.claim({FINISH})
    await read(models, log[:20], 0, chunk=10)
    await models.settle()
    older = redis.snapshot()
    await read(models, log[:40], 0, chunk=10)
    await models.settle()
    redis.roll_back(older)
    await models.check_owned()
    await asyncio.sleep(0.01)
    assert kafka.confirmed == 1
    assert kafka.placed == [int(redis.hash(CURSOR)["next"])]
    await read(models, log, kafka.placed[0], chunk=10)
    await models.revoked({FINISH})
    assert_same(await kept_fold(redis), straight(log))


async def test_a_flushed_redis_is_noticed_and_everything_is_learned_again() -> None:
    log, redis = messy_log(100, seed=6), founded()
    kafka = Kafka()
    models = worker(redis, kafka=kafka)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    redis.flush()
    redis.write({KEYS.meta(): META})
    await models.check_owned()
    await asyncio.sleep(0.01)
    assert kafka.placed == [0]
    await read(models, log, 0, chunk=10)
    await models.settle()
    assert_same(await kept_fold(redis), straight(log))


async def test_records_that_waited_while_their_partition_was_claimed_anew_are_not_its_next() -> None:
    """They were fetched behind the old cursor: learned first, they would hide all lessons before them."""
    log, redis, busy = messy_log(100, seed=6), founded(), TP(TOPIC, 3)
    half = len(log) // 2
    kafka = Kafka()
    models = worker(redis, kafka=kafka)
    await models.claim({FINISH, busy})
    await read(models, log[:half], 0, chunk=10)
    async with models.held[busy].lock:
        late = asyncio.ensure_future(models.receive(TOPIC, {busy.partition: [], FINISH.partition: log[half:]}))
        await asyncio.sleep(0)
        redis.flush()
        redis.write({KEYS.meta(): META})
        await models.check_owned()
        await asyncio.sleep(0.01)
    await late
    assert kafka.placed == [0] and models.held[FINISH].position == 0
    await read(models, log, 0, chunk=10)
    await models.settle()
    assert_same(await kept_fold(redis), straight(log))


async def test_owners_are_left_alone_while_all_is_well() -> None:
    redis = founded()
    models = worker(redis)
    await models.claim({FINISH})
    held = models.held[FINISH]
    await read(models, messy_log(60, seed=7), 0, chunk=10)
    await models.check_owned()
    assert models.held[FINISH] is held


async def test_a_position_that_retention_passed_moves_on_and_numbers_tell_what_is_lost() -> None:
    redis, log = founded(), messy_log(50, seed=9, first_offset=700)
    models = worker(redis, kafka=Kafka(first=700))
    assert await models.claim({FINISH}) == {FINISH: 700}
    await read(models, log, 700, chunk=10)
    assert models.held[FINISH].fold.counts.missing == 0


async def test_a_log_that_is_shorter_than_the_cursor_is_refused() -> None:
    redis, log = founded(), messy_log(50, seed=9)
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await models.revoked({FINISH})
    with pytest.raises(NeedsRebuild, match="the topic was made anew"):
        await worker(redis, kafka=Kafka(end=3)).claim({FINISH})


async def test_a_cursor_of_another_incarnation_is_refused_once_it_was_used() -> None:
    redis = founded()
    await worker(redis).claim({FINISH})
    cursor = KEYS.model_cursor("finish")
    redis.write({KEYS.meta(): {**META, "incarnation": b"deadbeef"}})
    await worker(redis).claim({FINISH})
    assert redis.hash(cursor)["incarnation"] == b"deadbeef", "nothing was learned under the old one"
    redis.write({cursor: {**redis.hash(cursor), "applied": b"3"}, KEYS.meta(): {**META, "incarnation": b"c0ffee00"}})
    with pytest.raises(NeedsRebuild, match="segue rebuild"):
        await worker(redis).claim({FINISH})


async def test_lessons_deleted_before_they_were_read_pause_the_model_until_the_operator_accepts_it() -> None:
    redis, log = founded(), messy_log(100, seed=15, sources=1)
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log[:5], 0, chunk=10)
    await models.revoked({FINISH})
    late = Kafka(first=log[10].offset)
    assert await worker(redis, kafka=late).claim({FINISH}) == {}
    heir = worker(redis, kafka=late, accept_gap=True)
    assert await heir.claim({FINISH}) == {FINISH: log[10].offset}
    await read(heir, log, log[10].offset, chunk=10)
    counts = heir.held[FINISH].fold.counts
    assert counts.missing > 0
    assert counts.applied + counts.missing == 100


async def test_a_rebuild_reads_what_retention_left() -> None:
    redis, log = founded(), messy_log(100, seed=16)
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await models.revoked({FINISH})
    redis.write({stored_parts(redis)[0]: None})
    heir = worker(redis, kafka=Kafka(first=log[4].offset))
    assert await heir.claim({FINISH}) == {FINISH: log[4].offset}
    await read(heir, log, log[4].offset, chunk=10)
    await heir.revoked({FINISH})
    kept = await kept_fold(redis)
    assert kept.counts.missing > 0
    assert kept.counts.applied + kept.counts.missing == sum(kept.watermarks.values()) == 300


async def test_a_revocation_in_the_middle_of_a_chunk_saves_what_was_learned() -> None:
    log, redis = messy_log(400, seed=11, per_record_max=90), founded()
    models = worker(redis)
    await models.claim({FINISH})
    learning = asyncio.create_task(models.receive(TOPIC, {0: log}))
    for _ in range(4):
        await asyncio.sleep(0)
    await models.revoked({FINISH})
    await learning
    heir = worker(redis)
    start = (await heir.claim({FINISH}))[FINISH]
    assert 0 < heir.held[FINISH].fold.counts.applied < 1200, "it stopped in the middle"
    await read(heir, log, start, chunk=10)
    await heir.revoked({FINISH})
    assert_same(await kept_fold(redis), straight(log))


async def test_a_revocation_in_the_middle_of_a_record_saves_what_was_learned() -> None:
    record = LogRecord(0, pack_lessons(INCARNATION, 0, 1, lesson_items(400, seed=13)))
    redis = founded()
    models = worker(redis)
    await models.claim({FINISH})
    learning = asyncio.create_task(models.receive(TOPIC, {0: [record]}))
    for _ in range(4):
        await asyncio.sleep(0)
    await models.revoked({FINISH})
    await learning
    heir = worker(redis)
    assert await heir.claim({FINISH}) == {FINISH: 0}
    assert 0 < heir.held[FINISH].fold.counts.applied < 400, "it stopped in the middle"
    await heir.receive(TOPIC, {0: [record]})
    assert_same(heir.held[FINISH].fold, straight([record]))


async def test_a_restored_fold_still_knows_that_it_read_the_log_from_its_beginning() -> None:
    log, redis = messy_log(60, seed=14), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await models.revoked({FINISH})
    heir = worker(redis)
    await heir.claim({FINISH})
    late = LogRecord(9_999, pack_lessons(INCARNATION, 7, 12, lesson_items(1, seed=1)))
    with pytest.raises(NumberGap):
        await heir.receive(TOPIC, {0: [late]})


async def test_records_that_were_read_before_are_passed_over() -> None:
    log, redis = messy_log(50, seed=12), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await models.receive(TOPIC, {0: log[:20]})
    await models.receive(TOPIC, {0: log[10:]})
    await models.receive("night.events", {0: log})
    assert_same(models.held[FINISH].fold, straight(log))
    assert models.held[FINISH].fold.counts.skipped == straight(log).counts.skipped


async def test_a_quiet_model_is_saved_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.holding.WATCH_S", 0.001)
    redis, log = founded(), messy_log(8, seed=17)
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    assert redis.string(SERVING) is None, "too few lessons for a snapshot of their own"
    for _ in range(200):
        await asyncio.sleep(0.001)
        if redis.string(SERVING) is not None:
            break
    assert_same(await kept_fold(redis), straight(log))
    await models.close()


async def test_what_fails_in_the_background_ends_the_process() -> None:
    class Broken(Kafka):
        async def confirmed_member(self) -> None:
            raise ValueError("our bug")

    redis, ended = founded(), list[BaseException]()
    models = worker(redis, kafka=Broken(), on_crash=ended.append)
    await models.claim({FINISH})
    redis.flush()
    await models.check_owned()
    await asyncio.sleep(0.01)
    assert [str(error) for error in ended] == ["our bug"]
    with pytest.raises(RuntimeError, match="ended"):
        await models.receive(TOPIC, {0: []})


async def test_a_claim_that_kafka_takes_away_meanwhile_is_given_up() -> None:
    class Elsewhere(Kafka):
        async def reposition(self, tp: TP, offset: int) -> bool:
            return False

    redis = founded()
    models = worker(redis, kafka=Elsewhere())
    await models.claim({FINISH})
    redis.write({CURSOR: {**redis.hash(CURSOR), "token": b"somebody-else"}})
    await models.check_owned()
    await asyncio.sleep(0.01)
    assert models.held == {}
    await models.close()


async def test_positions_are_told_for_lag_tools_while_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(Kafka):
        async def publish_positions(self, positions: Mapping[TP, int]) -> None:
            assert positions, "a transport that stops has no thread any more"
            await super().publish_positions(positions)

    monkeypatch.setattr("streams.holding.WATCH_S", 0.001)
    ended = list[BaseException]()
    redis, kafka, log = founded(), Stopping(), messy_log(20, seed=18)
    models = worker(redis, kafka=kafka, on_crash=ended.append)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await asyncio.sleep(0.02)
    assert kafka.told == {FINISH: log[-1].offset + 1}
    await models.revoked({FINISH})
    await asyncio.sleep(0.02)
    assert ended == []
    await models.close()
