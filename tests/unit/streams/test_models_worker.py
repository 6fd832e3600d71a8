"""The models worker loses and doubles no lesson, whatever step it dies at."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
import pytest

from infra.keys import Keys
from infra.memory_store import MemoryRedis, MemoryStore, Moment, ReplyLost
from infra.settings import Settings
from online_models.finish_serving import parse
from online_models.model import built_with, digest
from online_models.registry import MODELS
from streams.claims import RULES, NeedsRebuild
from streams.contract import Decision
from streams.lessons import pack_lessons
from streams.model_fold import Fold
from streams.model_versions import Verb, Version, decode
from streams.models_worker import Models, snapshot_after
from streams.observe_models import SilentModels
from streams.ports import TP, Outgoing, Record
from streams.sections import NumberGap
from tests.lessons_log import INCARNATION, TOPIC, LogRecord, lesson_items, messy_log

KEYS = Keys("night")
CURSOR, MANIFEST, SERVING = KEYS.model_cursor("finish"), KEYS.manifest("finish"), KEYS.serving("finish")
META = {"incarnation": INCARNATION.encode(), "events_partitions": b"8", "deltas_partitions": b"8", "rules": RULES.encode()}

TOKENS = itertools.count(0x5E60E00000000001)


FINISH = TP(TOPIC, 0)


class Noon:
    def now_ms(self) -> int:
        return 1_700_000_000_000


class Letters:
    """An outbox that keeps what it was given; `hook` runs before each publication."""

    def __init__(self, hook: Callable[[], None] = lambda: None) -> None:
        self.sent: list[Outgoing] = []
        self.open = asyncio.Event()
        self.open.set()
        self._hook = hook

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self._hook()
        await self.open.wait()
        self.sent += records

    def decisions(self) -> list[Decision]:
        return [msgspec.json.decode(record.value or b"", type=Decision) for record in self.sent]


class Told(SilentModels):
    """Keeps what the worker tells."""

    def __init__(self) -> None:
        self.taught = self.refused = self.fences = self.serves = 0
        self.rebuilds: list[str] = []
        self.versions: list[int] = []

    def claimed(self, model: str, refused: str) -> None:
        self.rebuilds += [refused] if refused else []

    def saved(self, model: str, version: int, taught: int, refused: int, scores: Mapping[str, float | str]) -> None:
        self.versions.append(version)
        self.taught += taught
        self.refused += refused

    def served(self, model: str, version: int) -> None:
        self.serves = version

    def fenced(self, model: str) -> None:
        self.fences += 1


def told(models: Models) -> Told:
    assert isinstance(models._observe, Told)
    return models._observe


def rebuilds(models: Models) -> list[str]:
    """Why snapshots were refused."""
    return told(models).rebuilds


class Crash(BaseException):
    """The process ends here."""


class Kafka:
    """The transport as the worker sees it: bounds, membership, and where it was placed."""

    def __init__(self, first: int = 0, end: int = 100_000) -> None:
        self.first, self.end = first, end
        self.placed: list[int] = []
        self.confirmed = 0
        self.told: dict[TP, int] = {}

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return {tp: (self.first, self.end) for tp in tps}

    async def confirmed_member(self) -> None:
        self.confirmed += 1

    async def reposition(self, tp: TP, offset: int) -> bool:
        self.placed.append(offset)
        return True

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("nothing is read again")

    async def read_all(self, topic: str) -> list[bytes | None]:
        raise AssertionError("verdicts and erasures are no business of models")

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        self.told = dict(positions)


def worker(
    redis: MemoryRedis,
    hook: Callable[[Moment], None] | None = None,
    kafka: Kafka | None = None,
    accept_gap: bool = False,
    on_crash: Callable[[BaseException], None] | None = None,
    model_key: str = "",
    outbox: Letters | None = None,
) -> Models:
    store = MemoryStore(redis, namespace="night", hook=hook)
    settings = Settings(namespace="night", accept_gap=accept_gap, model_key=model_key)
    outbox = outbox or Letters()
    models = Models(settings, store, outbox, Noon(), fresh_token=lambda: f"{next(TOKENS):016x}", observe=Told(), on_crash=on_crash)
    models.attach(Kafka() if kafka is None else kafka)
    return models


def founded() -> MemoryRedis:
    redis = MemoryRedis()
    redis.write({KEYS.meta(): META})
    return redis


async def read(models: Models, log: Sequence[Record], start: int, chunk: int) -> None:
    rest = [record for record in log if record.offset >= start]
    for at in range(0, len(rest), chunk):
        await models.receive(TOPIC, {0: rest[at : at + chunk]})


def straight(log: Sequence[Record]) -> Fold:
    fold = Fold(MODELS[0], INCARNATION)
    for record in log:
        for _ in fold.record(record.offset, record.value, record.timestamp):
            pass
    return fold


def stored_parts(redis: MemoryRedis) -> list[str]:
    """Keys of the newest version's parts."""
    start = KEYS.part("finish", int(redis.hash(CURSOR)["version"]), 0)[:-1]
    return [key for key in redis.snapshot().values if key.startswith(start)]


def versions(redis: MemoryRedis) -> tuple[Version, ...]:
    return decode(redis.string(KEYS.versions("finish")))


def assert_tidy(redis: MemoryRedis) -> None:
    """What stands of versions is what the list says, and the newest is the last."""
    found = versions(redis)
    stay = {KEYS.part("finish", v.version, n) for v in found for n in range(v.pieces)} | {
        KEYS.serving_of("finish", v.version) for v in found
    }
    assert {key for key in redis.snapshot().values if ":part:" in key or ":serving:" in key} == stay
    assert found[-1].version == int(redis.hash(CURSOR)["version"]) == int(redis.hash(MANIFEST)["version"])
    assert len(found) <= 6


async def kept_fold(redis: MemoryRedis) -> Fold:
    """The fold as a next owner finds it in the store."""
    models = worker(redis)
    await models.claim({FINISH})
    return models.held[0].fold


def assert_same(fold: Fold, expected: Fold) -> None:
    assert fold.watermarks == expected.watermarks
    assert fold.counts.applied == expected.counts.applied
    assert fold.model.snapshot() == expected.model.snapshot()


async def test_a_first_start_makes_the_namespace_and_reads_from_the_beginning() -> None:
    redis = MemoryRedis()
    assert await worker(redis).claim({FINISH, TP(TOPIC, 5), TP("night.events", 0)}) == {FINISH: 0}
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


async def test_a_zombie_changes_nothing_and_gives_up() -> None:
    log, redis = messy_log(100, seed=3), founded()
    zombie, heir = worker(redis), worker(redis)
    await zombie.claim({FINISH})
    await heir.claim({FINISH})
    await read(heir, log, 0, chunk=10)
    await heir.settle()
    before = redis.snapshot()
    await read(zombie, log, 0, chunk=10)
    await zombie.revoked({FINISH})
    assert redis.snapshot() == before
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


async def test_owners_are_left_alone_while_all_is_well() -> None:
    redis = founded()
    models = worker(redis)
    await models.claim({FINISH})
    held = models.held[0]
    await read(models, messy_log(60, seed=7), 0, chunk=10)
    await models.check_owned()
    assert models.held[0] is held


HARMS = {
    "part lost": "missing",
    "part changed": "damaged",
    "manifest lost": "torn",
    "version torn": "torn",
    "digest changed with its part": "signature",
    "watermarks changed": "signature",
    "not signed": "unsigned",
    "another key": "signature",
    "other River": "river",
    "other numpy": "numpy",
    "other layout": "schema",
    "River of another build": "parts",
}


def harmed(redis: MemoryRedis, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of `HARMS` done to the stored snapshot, or to the build that finds it."""
    part, manifest, cursor = stored_parts(redis)[1], redis.hash(MANIFEST), redis.hash(CURSOR)
    changed = (redis.string(part) or b"")[:-1] + b"!"
    if harm == "digest changed with its part":
        names = [name for name, _ in msgspec.json.decode(manifest["parts"])]
        parts = dict(zip(names, (redis.string(key) or b"" for key in stored_parts(redis)), strict=True))
        redis.write({MANIFEST: {**manifest, "sha256": digest({**parts, names[1]: changed}).encode()}})
    writes: dict[str, dict[str, bytes | dict[str, bytes] | None]] = {
        "part lost": {part: None},
        "part changed": {part: changed},
        "digest changed with its part": {part: changed},
        "manifest lost": {MANIFEST: None},
        "version torn": {MANIFEST: {**manifest, "version": b"999"}},
        "watermarks changed": {CURSOR: {**cursor, "wm": b'{"0":1,"1":1,"2":1}'}},
        "not signed": {MANIFEST: {name: value for name, value in manifest.items() if name != "signature"}},
    }
    redis.write(writes.get(harm, {}))
    build = {"other River": {"river": "0.27.0"}, "other numpy": {"numpy": "1.0"}}
    if harm in build:
        monkeypatch.setattr("streams.model_shelf.built_with", lambda: {**built_with(), **build[harm]})
    elif harm == "other layout":
        monkeypatch.setattr("online_models.finish.FinishModel.schema", 99)
    elif harm == "River of another build":
        monkeypatch.setattr("online_models.tree_codec.river.__version__", "0.27.0")


@pytest.mark.parametrize("harm", HARMS)
async def test_a_snapshot_that_cannot_be_trusted_is_rebuilt_from_the_lessons(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log, redis = messy_log(150, seed=8), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log[:60], 0, chunk=10)
    await models.revoked({FINISH})
    harmed(redis, harm, monkeypatch)
    heir = worker(redis, model_key="another" if harm == "another key" else "")
    assert await heir.claim({FINISH}) == {FINISH: 0}
    assert rebuilds(heir) == [HARMS[harm]]
    monkeypatch.undo()
    next_before = int(redis.hash(CURSOR)["next"])
    await read(heir, [record for record in log if record.offset < next_before - 5], 0, chunk=10)
    await heir.settle()
    assert int(redis.hash(CURSOR)["next"]) == next_before, "a rebuild is saved once it has caught up"
    await read(heir, log, heir.held[0].position, chunk=10)
    await heir.revoked({FINISH})
    if harm != "another key":
        assert_same(await kept_fold(redis), straight(log))
        assert_tidy(redis)


async def test_a_part_that_is_too_large_for_one_value_stands_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.model_shelf.PIECE_BYTES_MAX", 500)
    monkeypatch.setattr("streams.model_shelf.CALL_BYTES_MAX", 1_200)
    log, redis = messy_log(100, seed=6), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await models.revoked({FINISH})
    pieces = [redis.string(key) or b"" for key in stored_parts(redis)]
    assert len(pieces) > 6 and max(map(len, pieces)) == 500
    named = msgspec.json.decode(redis.hash(MANIFEST)["parts"])
    assert [n_bytes for _, n_bytes in named] == list(map(len, pieces))
    assert_same(await kept_fold(redis), straight(log))


async def test_a_position_that_retention_passed_moves_on_and_numbers_tell_what_is_lost() -> None:
    redis, log = founded(), messy_log(50, seed=9, first_offset=700)
    models = worker(redis, kafka=Kafka(first=700))
    assert await models.claim({FINISH}) == {FINISH: 700}
    await read(models, log, 700, chunk=10)
    assert models.held[0].fold.counts.missing == 0


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
    counts = heir.held[0].fold.counts
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
    assert 0 < heir.held[0].fold.counts.applied < 1200, "it stopped in the middle"
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
    assert 0 < heir.held[0].fold.counts.applied < 400, "it stopped in the middle"
    await heir.receive(TOPIC, {0: [record]})
    assert_same(heir.held[0].fold, straight([record]))


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
    assert_same(models.held[0].fold, straight(log))
    assert models.held[0].fold.counts.skipped == straight(log).counts.skipped


async def test_a_quiet_model_is_saved_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.models_worker.WATCH_S", 0.001)
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

    monkeypatch.setattr("streams.models_worker.WATCH_S", 0.001)
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


# --- decisions -------------------------------------------------------------------------------------


@pytest.fixture
def fickle(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """A log whose model changes its champion again and again."""
    monkeypatch.setattr("online_models.contest.REIGN_MIN", 5)
    monkeypatch.setattr("online_models.contest.MARGIN", 0.0)
    return messy_log(120, seed=19)


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


@pytest.mark.parametrize("when", ["before", "after", "publish"])
async def test_a_crash_at_any_step_publishes_every_decision_under_its_one_id(when: str, fickle: list[Record]) -> None:
    expected = straight(fickle).decided
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
                await read(models, fickle, (await models.claim({FINISH}))[FINISH], chunk=3)
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


# --- what is served --------------------------------------------------------------------------------


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
    assert models.held[0].unsaved
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
