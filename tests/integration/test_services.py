"""Local services: real, restartable, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.child import ServiceFailed, port_open
from infra.kafka_process import LocalKafka
from infra.redis_process import LocalRedis
from infra.services import Addresses
from infra.services import services as start_services

ROOT = Path(__file__).resolve().parents[2]

GONE_S = 15.0


def wait_until(condition: object, timeout_s: float = GONE_S) -> bool:
    """Whether the callable becomes true in time."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def create_topic(address: str, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": address})
    client.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(timeout=30)


def produce(address: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def values(address: str, topic: str, n: int) -> list[bytes]:
    """The first `n` values of the topic, within 30 s."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reader-" + topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[bytes] = []
    deadline = time.monotonic() + 30
    while len(found) < n and time.monotonic() < deadline:
        record = consumer.poll(0.5)
        if record is not None and record.error() is None:
            found.append(record.value() or b"")
    consumer.close()
    return found


def test_the_services_of_the_session_take_a_record_and_a_key(services: Addresses, namespace: str) -> None:
    create_topic(services.kafka, namespace)
    produce(services.kafka, namespace, b"a play")
    assert values(services.kafka, namespace, 1) == [b"a play"]
    with redis.Redis.from_url(services.redis) as client:
        assert client.set(f"{namespace}:key", "1", ex=60)


class TestLocalRedis:
    @pytest.fixture
    def local(self, tmp_path: Path) -> Iterator[LocalRedis]:
        with LocalRedis(tmp_path / "redis") as server:
            yield server

    def test_is_started_with_a_log_of_appends_and_without_eviction(self, local: LocalRedis) -> None:
        with local.client() as client:
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
            assert client.config_get("auto-aof-rewrite-min-size") == {"auto-aof-rewrite-min-size": str(512 * 2**20)}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("bind") == {"bind": "127.0.0.1"}

    def test_keeps_acknowledged_writes_over_kill_9_on_the_same_port(self, local: LocalRedis) -> None:
        port, pid = local.port, local.pid
        with local.client() as client:
            client.set("play", "1")
        local.kill()
        assert not psutil.pid_exists(pid)
        assert not port_open("127.0.0.1", port)
        local.start()
        assert local.port == port
        with local.client() as client:
            assert client.get("play") == b"1"

    def test_rolls_back_to_what_was_remembered(self, local: LocalRedis, tmp_path: Path) -> None:
        with local.client() as client:
            client.set("play", "1")
            local.remember(tmp_path / "aside")
            client.set("play", "2")
        local.roll_back(tmp_path / "aside")
        with local.client() as client:
            assert client.get("play") == b"1"

    def test_a_flush_leaves_no_key(self, local: LocalRedis) -> None:
        with local.client() as client:
            client.set("play", "1")
            local.flush()
            assert client.dbsize() == 0

    def test_a_frozen_server_answers_again_once_thawed(self, local: LocalRedis) -> None:
        local.freeze()
        with redis.Redis(port=local.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(redis.TimeoutError):
            client.ping()
        local.thaw()
        with local.client() as client:
            assert client.ping()


def test_kafka_keeps_acknowledged_records_over_a_restart_and_over_kill_9(tmp_path: Path) -> None:
    with LocalKafka(tmp_path / "kafka") as kafka:
        address = kafka.address
        create_topic(address, "plays")
        produce(address, "plays", b"1")
        kafka.restart()
        produce(address, "plays", b"2")
        kafka.kill()
        assert not port_open("127.0.0.1", kafka.port)
        kafka.start()
        assert kafka.address == address
        assert values(address, "plays", 2) == [b"1", b"2"]
        pid = kafka.pid
    assert not psutil.pid_exists(pid)


OWNER = """
    import signal, sys, time
    from pathlib import Path
    from infra.redis_process import LocalRedis
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits it ignored
    with LocalRedis(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_no_service_outlives_its_owner(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(OWNER), str(tmp_path)]
    owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert owner.stdout is not None
    service = int(owner.stdout.readline())
    assert psutil.pid_exists(service)
    os.kill(owner.pid, number)
    owner.wait(timeout=GONE_S)
    owner.stdout.close()
    assert wait_until(lambda: not psutil.pid_exists(service))


def test_a_service_dies_with_its_guard(tmp_path: Path) -> None:
    with LocalRedis(tmp_path) as server:
        service = psutil.Process(server.pid)
        service.parent().kill()
        assert wait_until(lambda: not psutil.pid_exists(service.pid))


def test_two_servers_never_share_a_folder_and_the_second_says_why(tmp_path: Path) -> None:
    with LocalRedis(tmp_path), pytest.raises(ServiceFailed, match="another process uses this folder"), LocalRedis(tmp_path):
        pass


def test_a_start_waits_for_a_predecessor_that_is_just_ending(tmp_path: Path) -> None:
    first = LocalRedis(tmp_path).start()
    first.freeze()
    os.kill(psutil.Process(first.pid).ppid(), signal.SIGTERM)
    with LocalRedis(tmp_path) as second, second.client() as client:
        assert client.ping()
    first.stop()


def test_what_killed_test_runs_left_is_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, ours = tmp_path / f"test-{gone.pid}-abc", tmp_path / f"test-{os.getpid()}-abc"
    for folder in (left, ours):
        (folder / "data").mkdir(parents=True)
    with start_services("test", tmp_path, environ={}):
        assert not left.exists()
        assert ours.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [ours.name]
