"""The models worker on real services: killed again and again, its model is the fold of its lessons, bit for bit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec
import psutil
import pytest
import redis
from confluent_kafka import Producer

from infra import topics
from infra.keys import Keys
from infra.settings import Settings
from online_models.finish import FinishModel
from online_models.finish_serving import parse
from online_models.registry import entry
from streams.claims import RULES
from streams.model_fold import Fold
from streams.ports import Record
from tests.lessons_log import INCARNATION, messy_log

ROOT = Path(__file__).parents[2]
SOURCE_LESSONS, SOURCES = 1_000, 3
PAUSE_S = 0.15
KILLS = 3


@pytest.fixture
def settings(kafka_address: str, redis_url: str, namespace: str, tmp_path: Path) -> Settings:
    return Settings(namespace=namespace, kafka=kafka_address, redis=redis_url, metrics_port=0, data_dir=str(tmp_path))


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis) as client:
        yield client


@pytest.fixture
def supervisor(settings: Settings, client: redis.Redis) -> Iterator[psutil.Process]:
    topics.apply(settings)
    meta = Keys(settings.namespace).meta()
    client.hset(meta, items=["incarnation", INCARNATION, "events_partitions", 8, "deltas_partitions", 8, "rules", RULES])
    process = subprocess.Popen([sys.executable, "-m", "console", "worker", "models"], cwd=ROOT, env=settings.to_env())
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def produce(settings: Settings, log: Sequence[Record]) -> None:
    """The log, slowly enough that a worker dies in the middle of it."""
    producer = Producer({"bootstrap.servers": settings.kafka, "enable.idempotence": True})
    for n, record in enumerate(log):
        producer.produce(f"{settings.namespace}.internal.lessons", value=record.value, partition=0)
        if n % 10 == 9:
            producer.flush()
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


def test_a_worker_that_is_killed_again_and_again_ends_with_the_fold_of_its_lessons(
    settings: Settings, client: redis.Redis, supervisor: psutil.Process
) -> None:
    keys, chance = Keys(settings.namespace), Random(5)
    cursor = keys.model_cursor("finish")
    log = messy_log(SOURCE_LESSONS, seed=41, sources=SOURCES, per_record_max=8)
    wait_for("a first claim", 30, lambda: client.hexists(cursor, "next"))
    producing = threading.Thread(target=produce, args=(settings, log))
    producing.start()
    for _ in range(KILLS):
        before = client.hget(cursor, "version")
        wait_for("a snapshot of the new worker", 30, lambda before=before: client.hget(cursor, "version") != before)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.3))
        kill_the_worker(supervisor)
    producing.join()
    wait_for("the end of the log", 60, lambda: client.hget(cursor, "next") == str(len(log)).encode())

    fold = Fold(entry("finish"), INCARNATION)
    for offset, record in enumerate(log):
        for _ in fold.record(offset, record.value):
            pass
    found = client.hgetall(cursor)
    assert msgspec.json.decode(found[b"wm"]) == {str(source): SOURCE_LESSONS for source in range(SOURCES)}
    assert (int(found[b"applied"]), int(found[b"missing"])) == (SOURCES * SOURCE_LESSONS, 0)
    version = int(found[b"version"])
    names = [name for name, _ in msgspec.json.decode(client.hget(keys.manifest("finish"), "parts") or b"")]
    parts = {name: stored(client, keys.part("finish", version, n)) for n, name in enumerate(names)}
    assert parts == fold.model.snapshot()
    assert FinishModel.restore(parts).snapshot() == parts
    assert parse(stored(client, keys.serving("finish"))).version == version
    standing = {key.decode() for key in client.scan_iter(f"{settings.namespace}:*:part:*")}
    assert standing == {keys.part("finish", version, n) for n in range(len(names))}, "no version is left behind"
