"""What the transport promises while processes come, go, hang and are killed: nothing lost, nothing twice, and soon."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kafka_process import LocalKafka
from tests.contracts.kafka_tools import create_topics, produce

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4

pytestmark = pytest.mark.slow


class Cluster:
    """Some ledger workers on one topic, and their ledger."""

    def __init__(self, place: Path, kafka: str, namespace: str) -> None:
        self.kafka, self.namespace, self.topic = kafka, namespace, f"{namespace}.events"
        self.path = place / "ledger.db"
        self.log = place / "workers.log"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.produced = 0
        create_topics(kafka, {self.topic: PARTITIONS})

    def start(self, name: str, static: str = "", how: str = "well") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.contracts.ledger_worker", str(self.path), self.kafka, self.namespace, name, static, how]
        with self.log.open("ab") as out:
            self.processes.append(subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out))
        return self.processes[-1]

    def produce(self, n: int) -> None:
        values = [b"%d" % number for number in range(self.produced, self.produced + n)]
        produce(self.kafka, self.topic, values, partitions=PARTITIONS)
        self.produced += n

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        with sqlite3.connect(self.path, timeout=30) as db:
            try:
                return db.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []

    def n_seen(self) -> int:
        found = self.ask("select count(*) from seen")
        return int(found[0][0]) if found else 0

    def notes(self, name: str) -> list[str]:
        return [str(row[0]) for row in self.ask(f"select what from note where worker = '{name}' order by at")]  # noqa: S608

    def until(self, true: Callable[[], bool], timeout_s: float = 90.0) -> float:
        """Seconds until `true()`."""
        started_s = time.monotonic()
        while not true():
            assert time.monotonic() < started_s + timeout_s, self.log.read_text()[-4000:]
            time.sleep(0.02)
        return time.monotonic() - started_s

    def check_exact(self) -> None:
        """Every record is applied once: nothing is missing, the table's key forbids a second time."""
        self.until(lambda: self.n_seen() >= self.produced)
        values = sorted(int(value) for (value,) in self.ask("select value from seen"))
        assert values == list(range(self.produced))


@pytest.fixture
def cluster(tmp_path: Path, kafka_address: str, namespace: str) -> Iterator[Cluster]:
    made = Cluster(tmp_path, kafka_address, namespace)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def ended(process: subprocess.Popen[bytes], number: int) -> tuple[int, float]:
    """Send a signal: (exit code, seconds until the end)."""
    asked_s = time.monotonic()
    process.send_signal(number)
    return process.wait(20), time.monotonic() - asked_s


def test_two_members_share_and_a_leaving_one_hands_over(cluster: Cluster) -> None:
    cluster.produce(400)
    first = cluster.start("a")
    cluster.until(lambda: cluster.n_seen() == 400)
    enough = threading.Event()

    def feed() -> None:
        while not enough.wait(0.1):
            cluster.produce(200)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        second = cluster.start("b")
        cluster.until(lambda: "claimed 2" in cluster.notes("a") and "claimed 2" in cluster.notes("b"))
        time.sleep(1)
        code, took_s = ended(first, signal.SIGTERM)
        assert (code, took_s < 5) == (0, True)
        cluster.until(lambda: cluster.notes("b").count("claimed 4") == 1)
        time.sleep(0.5)
    finally:
        enough.set()
        feeder.join()
    cluster.check_exact()
    assert ended(second, signal.SIGTERM)[0] == 0


def test_a_killed_static_member_is_back_within_six_seconds(cluster: Cluster) -> None:
    cluster.produce(400)
    worker = cluster.start("w0", "static")
    cluster.until(lambda: cluster.n_seen() == 400)
    worker.kill()
    worker.wait()
    cluster.produce(400)
    cluster.start("w0", "static")
    assert cluster.until(lambda: cluster.n_seen() == 800) <= 6.0
    cluster.check_exact()


def test_killed_members_lose_and_double_nothing(cluster: Cluster) -> None:
    cluster.produce(2000)
    for name in ("a", "b"):
        cluster.start(name, "static")
    cluster.until(lambda: cluster.n_seen() > 0)
    for turn in range(3):
        cluster.produce(1000)
        time.sleep(0.7)
        cluster.processes[turn].kill()
        cluster.processes[turn].wait()
        cluster.start(("a", "b")[turn % 2], "static")
    cluster.check_exact()


@pytest.mark.parametrize("how", ["hang", "deaf"])
def test_a_worker_whose_agent_hangs_stops_within_five_seconds(cluster: Cluster, how: str) -> None:
    cluster.produce(10)
    worker = cluster.start("a", how=how)
    cluster.until(lambda: "misbehaving" in cluster.notes("a"))
    code, took_s = ended(worker, signal.SIGTERM)
    assert took_s < 5.3
    assert code == (0 if how == "hang" else 1)
    assert cluster.n_seen() == 0


def test_an_exception_in_the_owner_ends_the_process_and_skips_nothing(cluster: Cluster) -> None:
    cluster.produce(100)
    worker = cluster.start("a", how="raise")
    assert worker.wait(20) == 1
    assert "a bug of ours" in cluster.log.read_text()
    cluster.start("a")
    cluster.check_exact()


def test_a_claim_that_fails_ends_the_process(cluster: Cluster) -> None:
    assert cluster.start("a", how="refuse").wait(20) == 1
    assert "this log is not ours" in cluster.log.read_text()


def test_a_static_member_that_is_told_to_stop_hands_over_at_once(cluster: Cluster) -> None:
    first = cluster.start("a", "static")
    cluster.start("b", "static")
    cluster.until(lambda: "claimed 2" in cluster.notes("a") and "claimed 2" in cluster.notes("b"))
    asked_s = time.monotonic()
    assert ended(first, signal.SIGTERM)[0] == 0
    cluster.until(lambda: "claimed 4" in cluster.notes("b")[-1:])
    assert time.monotonic() - asked_s < 5.5, "the session had to time out first"


def test_a_worker_waits_for_a_broker_and_stops_while_it_waits(cluster: Cluster, tmp_path: Path) -> None:
    with LocalKafka(tmp_path / "late") as late:
        create_topics(late.address, {cluster.topic: PARTITIONS})
        late.stop()
        cluster.kafka = late.address
        waiting, stopped = cluster.start("a"), cluster.start("b")
        cluster.until(lambda: cluster.log.exists() and cluster.log.read_text().count("no Kafka there") >= 2)
        code, took_s = ended(stopped, signal.SIGTERM)
        assert (code, took_s < 5.3) == (0, True)
        late.start()
        cluster.produce(40)
        cluster.check_exact()
        assert ended(waiting, signal.SIGTERM)[0] == 0


def test_a_member_that_slept_is_fenced_and_comes_back(cluster: Cluster) -> None:
    cluster.produce(400)
    sleeper = cluster.start("a")
    cluster.until(lambda: cluster.n_seen() == 400)
    sleeper.send_signal(signal.SIGSTOP)
    cluster.produce(400)
    cluster.start("b")
    cluster.until(lambda: cluster.n_seen() == 800)
    sleeper.send_signal(signal.SIGCONT)
    cluster.produce(400)
    cluster.until(lambda: "claimed 2" in cluster.notes("a"))
    cluster.check_exact()


def test_a_member_without_partitions_waits_for_some(cluster: Cluster) -> None:
    workers = [cluster.start(f"w{number}") for number in range(PARTITIONS + 1)]
    cluster.until(lambda: sum("claimed 1" in cluster.notes(f"w{n}") for n in range(PARTITIONS + 1)) >= PARTITIONS, timeout_s=60)
    cluster.produce(400)
    cluster.check_exact()
    assert [worker.poll() for worker in workers] == [None] * (PARTITIONS + 1)
