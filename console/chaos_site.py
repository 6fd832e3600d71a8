"""What a chaos run stands on: its own services, two supervisors of plays workers and one of the models worker."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
import psutil
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from console.chaos_plan import FAIL_POINTS, SUPERVISORS
from infra import topics
from infra.child import Child
from infra.kafka_process import LocalKafka
from infra.keys import Keys
from infra.redis_process import LocalRedis
from infra.settings import Settings, child_environment

READY_S: Final = 180.0
LESSONS_RATE: Final = 0.1
"""A lesson costs a hundred plays; a tenth of them keeps the models worker from being the last to be done."""

Held = dict[str, list[str]]
"""Member ("a-0") -> cursor keys of the partitions it holds."""


class History:
    """`history.jsonl`: everything that was done and seen, in order."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._start_s = time.monotonic()

    def add(self, event: str, /, **fields: Any) -> None:
        """One line; `s` is seconds since the start."""
        self._file.write(json.dumps({"s": round(time.monotonic() - self._start_s, 3), "event": event, **fields}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Progress(NamedTuple):
    """How far workers are: cursor key -> `next`."""

    at: dict[str, int]
    lag: int
    """Acknowledged events behind which the cursors are."""


class ChaosSite:
    """Services and workers of one run, all under one folder; a context manager that ends them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fail").mkdir(exist_ok=True)
        self.history = History(folder / "history.jsonl")
        self.redis = LocalRedis(self.folder / "data" / "redis")
        self.kafka = LocalKafka(self.folder / "data" / "kafka")
        self._wanted = settings
        self.settings = settings
        self.supervisors: dict[str, Child] = {}
        self._client: redis.Redis | None = None

    def __enter__(self) -> Self:
        try:
            self.redis.start()
            self.kafka.start()
            self.settings = msgspec.structs.replace(
                self._wanted,
                kafka=self.kafka.address,
                redis=self.redis.url,
                data_dir=str(self.folder),
                fail_points=",".join(FAIL_POINTS),
                metrics_port=0,
                lessons_rate=LESSONS_RATE,
                listening_rate=LESSONS_RATE,
            )
            self.keys = Keys(self.settings.namespace)
            self._client = redis.Redis.from_url(self.redis.url, socket_timeout=2.0, socket_connect_timeout=2.0)
            topics.apply(self.settings)
            for name in SUPERVISORS:
                self.supervisors[name] = self._supervisor("plays", name)
            self.supervisors["models"] = self._supervisor("models", "models")
            for child in self.supervisors.values():
                child.start()
            self._wait_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop_workers()
        self.kafka.stop()
        self.redis.stop()
        self.history.close()

    def stop_workers(self) -> None:
        """SIGTERM, as an operator would: the models worker saves what it has learned."""
        for child in self.supervisors.values():
            child.stop()

    def _supervisor(self, role: str, name: str) -> Child:
        environment = child_environment(msgspec.structs.replace(self.settings, worker_id=name).to_env())
        command = [sys.executable, "-m", "console", "worker", role, "--workers", "1"]
        return Child(f"supervisor {name}", command, log=self.folder / "logs" / f"{name}.log", env=environment)

    def _wait_ready(self) -> None:
        """Until every partition has its cursor, and so its worker."""
        deadline_s = time.monotonic() + READY_S
        while len(self.progress({}).at) < self.settings.events_partitions + self.settings.deltas_partitions:
            self.check()
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"the workers were not ready after {READY_S:.0f} s; see {self.folder / 'logs'}")
            time.sleep(0.2)

    def check(self) -> None:
        """Raises `RuntimeError` when a supervisor ended that nobody killed."""
        for name, child in self.supervisors.items():
            if not child.running:
                raise RuntimeError(f"supervisor {name} ended by itself; last lines of {child.log}:\n{child.tail()}")

    # --- looking ---------------------------------------------------------------------------------

    def worker_pid(self, name: str) -> int:
        """The worker process under a supervisor; 0 while there is none."""
        try:
            children = psutil.Process(self.supervisors[name].pid).children()
        except psutil.NoSuchProcess:
            return 0
        living = [child.pid for child in children if _lives(child)]
        return living[0] if living else 0

    def progress(self, ends: dict[int, int]) -> Progress:
        """Every cursor's `next`, and the lag behind `ends`; nothing while Redis is away."""
        assert self._client is not None, "the site was entered"
        keys = self.event_cursors() + self.delta_cursors()
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.hget(key, "next")
        try:
            found = pipe.execute()
        except redis.RedisError:
            return Progress({}, 0)
        at = {key: int(value) for key, value in zip(keys, found, strict=True) if value is not None}
        lag = sum(max(0, end - at.get(self.keys.user_cursor(p), 0)) for p, end in ends.items())
        return Progress(at, lag)

    def hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        """Cursors whole; none while Redis is away."""
        assert self._client is not None, "the site was entered"
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.hgetall(key)
        try:
            found = pipe.execute()
        except redis.RedisError:
            return []
        return [{name.decode(): value for name, value in cursor.items()} for cursor in found]

    def event_cursors(self) -> list[str]:
        """Cursor keys of the users' side."""
        return [self.keys.user_cursor(p) for p in range(self.settings.events_partitions)]

    def delta_cursors(self) -> list[str]:
        """Cursor keys of the tracks' side."""
        return [self.keys.track_cursor(p) for p in range(self.settings.deltas_partitions)]

    def held(self) -> Held:
        """Who holds what, as Kafka's group says; {} while it rebalances."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka, "log_level": 0})
        group = f"{self.settings.namespace}.plays"
        try:
            described = admin.describe_consumer_groups([group], request_timeout=5.0)[group].result()
        except KafkaException:
            return {}
        found = {member.group_instance_id: self._cursors(member.assignment.topic_partitions) for member in described.members}
        return found if sum(map(len, found.values())) == self.settings.events_partitions + self.settings.deltas_partitions else {}

    def _cursors(self, partitions: Iterable[Any]) -> list[str]:
        events = f"{self.settings.namespace}.events"
        return [self.keys.user_cursor(tp.partition) if tp.topic == events else self.keys.track_cursor(tp.partition) for tp in partitions]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
