"""The models worker on real services: killed again and again, each model is the fold of its lessons, bit for bit.

Three times in the suite; ten times with `pytest tests/integration/test_models_exact.py --kills 10`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import ne
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psutil
import pytest
import redis
from confluent_kafka import Producer

from console.kafka_door import records
from infra import topics
from infra.keys import Keys
from infra.settings import Settings, child_environment
from online_models.checks import bits
from online_models.finish_features import as_mapping
from online_models.registry import MODELS, Entry
from streams.claims import RULES
from streams.contract import Decision
from streams.model_fold import Fold
from streams.model_versions import decode
from streams.ports import Record
from tests.lessons_log import INCARNATION, messy_log
from tests.lessons_of_known_truth import draw
from tests.listening_of_known_habits import listening
from tests.tracks_of_known_genre import tracks

ROOT = Path(__file__).parents[2]
SOURCES = 3
LESSONS_PER_KILL = {"finish": 350, "genre": 90, "micro_genres": 500, "counts": 300, "segments": 300, "text_clusters": 500, "map": 120}
"""Of each source: so many that a worker saves all models at least once between two deaths, and that clusters are born, at 4,000."""
KINDS = {"finish": "bent finish"}
"""Lessons that bring a change of champion."""
PAUSE_S = 0.15
PROBES = 1_000


@pytest.fixture
def settings(kafka_address: str, redis_url: str, namespace: str, tmp_path: Path) -> Settings:
    return Settings(
        namespace=namespace, kafka=kafka_address, redis=redis_url, metrics_port=0, data_dir=str(tmp_path), model_key="of the test"
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis) as client:
        yield client


@pytest.fixture
def supervisor(settings: Settings, client: redis.Redis) -> Iterator[psutil.Process]:
    topics.apply(settings)
    meta = Keys(settings.namespace).meta()
    client.hset(meta, items=["incarnation", INCARNATION, "events_partitions", 8, "deltas_partitions", 8, "rules", RULES])
    # With our environment: a variable may choose the BLAS, and each sums in an order of its own.
    environment = child_environment(settings.to_env())
    process = subprocess.Popen([sys.executable, "-m", "console", "worker", "models"], cwd=ROOT, env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


class Kills:
    """How many there were, and how many are to come: lessons keep step with them, so that each strikes while lessons come."""

    def __init__(self, n: int) -> None:
        self.n, self.done = n, 0

    def may_send(self, share: float) -> bool:
        """Has the worker died often enough for this share of the log?"""
        return self.done == self.n or int(share * (self.n + 2)) - 1 <= self.done


def produce(settings: Settings, logs: Mapping[int, Sequence[Record]], kills: Kills) -> None:
    """The logs side by side, slowly."""
    producer = Producer({"bootstrap.servers": settings.kafka, "enable.idempotence": True})
    steps = max(map(len, logs.values())) // 10 + 1
    for step in range(steps):
        while not kills.may_send(step / steps):
            time.sleep(PAUSE_S)
        for partition, log in logs.items():
            for record in log[len(log) * step // steps : len(log) * (step + 1) // steps]:
                producer.produce(f"{settings.namespace}.internal.lessons", value=record.value, partition=partition)
        producer.flush()
        if kills.done < kills.n:
            time.sleep(PAUSE_S)
    assert producer.flush(10) == 0


def kill_the_worker(supervisor: psutil.Process) -> None:
    children = supervisor.children()
    assert children, "a supervisor has a worker"
    for child in children:
        child.send_signal(signal.SIGKILL)


def stored(client: redis.Redis, key: str) -> bytes:
    value = client.get(key)
    assert isinstance(value, bytes), key
    return value


def wait_for(what: str, seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what} not within {seconds} s"
        time.sleep(0.1)


def undisturbed(entry: Entry, log: Sequence[Record]) -> Fold:
    fold = Fold(entry, INCARNATION)
    for offset, record in enumerate(log):
        for _ in fold.record(offset, record.value):
            pass
    return fold


def probes(name: str) -> list[dict[str, Any]]:
    if name == "finish":
        return [as_mapping(row) for row in draw(PROBES, 99)[0]]
    if name in ("counts", "segments"):
        return [dict(lesson.x) for lesson in listening(PROBES, 41)]
    return [values for values, _ in tracks(PROBES, 99)]


def judge(entry: Entry, log: Sequence[Record], n_lessons: int, keys: Keys, client: redis.Redis) -> Fold:
    """What stands in Redis is the fold of the log, in every bit."""
    fold = undisturbed(entry, log)
    found, manifest = client.hgetall(keys.model_cursor(entry.name)), client.hgetall(keys.manifest(entry.name))
    assert msgspec.json.decode(found[b"wm"]) == {str(source): n_lessons for source in range(SOURCES)}
    assert (int(found[b"applied"]), int(found[b"missing"])) == (SOURCES * n_lessons, 0)
    version, parts = int(found[b"version"]), dict[str, bytes]()
    for n, (name, _) in enumerate(msgspec.json.decode(manifest[b"parts"])):
        parts[name] = parts.get(name, b"") + stored(client, keys.part(entry.name, version, n))
    assert parts == fold.model.snapshot()
    model = entry.kind.restore(parts)
    for x in probes(entry.name):
        assert bits(model.predict_one(x)) == bits(fold.model.predict_one(x))
    assert stored(client, keys.serving(entry.name)) == fold.model.serving(version)
    answered = {key.decode(): stored(client, key.decode()) for key in client.scan_iter(f"{keys.answer(entry.name, '')}*")}
    assert answered == {keys.answer(entry.name, about): said for about, said in fold.answers.items() if said is not None}
    versions = decode(stored(client, keys.versions(entry.name)))
    assert versions[-1].sha256.encode() == manifest[b"sha256"]
    standing = {key.decode() for key in client.scan_iter(f"{keys.part(entry.name, 0, 0)[:-3]}*")}
    assert standing == {keys.part(entry.name, v.version, n) for v in versions for n in range(v.pieces)}, "no version is left behind"
    return fold


@pytest.mark.timeout(900)
def test_a_worker_that_is_killed_again_and_again_ends_with_the_folds_of_its_lessons(
    settings: Settings, client: redis.Redis, supervisor: psutil.Process, request: pytest.FixtureRequest
) -> None:
    kills = Kills(int(request.config.getoption("kills")))
    keys, chance = Keys(settings.namespace), Random(5)
    n_lessons = {entry.name: kills.n * LESSONS_PER_KILL[entry.name] for entry in MODELS}
    logs = {
        entry.partition: messy_log(n_lessons[entry.name], 41, sources=SOURCES, per_record_max=8, model=KINDS.get(entry.name, entry.name))
        for entry in MODELS
    }
    cursors = [keys.model_cursor(entry.name) for entry in MODELS]
    wait_for("a first claim", 60, lambda: all(client.hexists(cursor, "next") for cursor in cursors))
    producing = threading.Thread(target=produce, args=(settings, logs, kills))
    producing.start()

    def saved() -> list[object]:
        return [client.hget(cursor, "version") for cursor in cursors]

    for _ in range(kills.n):
        before = saved()
        wait_for("snapshots of the new worker", 120, lambda before=before: all(map(ne, before, saved())))  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.3))
        assert producing.is_alive(), "a kill must strike while lessons come"
        kill_the_worker(supervisor)
        kills.done += 1
    producing.join()
    for entry in MODELS:
        end, cursor = str(len(logs[entry.partition])).encode(), keys.model_cursor(entry.name)
        wait_for(f"the end of the log of {entry.name}", 120, lambda end=end, cursor=cursor: client.hget(cursor, "next") == end)  # type: ignore[misc]
    folds = {entry.name: judge(entry, logs[entry.partition], n_lessons[entry.name], keys, client) for entry in MODELS}

    decided = [msgspec.json.decode(m.value() or b"", type=Decision) for m in _all(settings, "decisions")]
    assert not folds["genre"].decided and folds["genre"].answers
    for name in ("finish", "micro_genres", "text_clusters"):
        expected, found = folds[name].decided, [d for d in decided if d.model == name]
        assert expected and list(dict.fromkeys(d.decision_id for d in found)) == [d.decision_id for d in expected]
        assert {d.decision_id: (d.decision, d.detail) for d in found} == {d.decision_id: (d.decision, d.detail) for d in expected}


def _all(settings: Settings, topic: str) -> Iterator[Any]:
    return records(settings, f"{settings.namespace}.{topic}", from_beginning=True, follow=False)
