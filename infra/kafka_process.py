"""A local Apache Kafka: one KRaft node that is broker and controller, from Maven's jars, on Java 17 or newer.

43 MB and about 5 s to start, so there is no reason for a mock.
"""

from __future__ import annotations

import base64
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.child import Child, ServiceFailed, free_port
from infra.kafka_jars import jars
from infra.system import need_java

START_S = 90.0
"""The port is open after 3-5 s on a calm machine; two busy cores took 20."""

FORMAT_S_MAX = 60

HEAP_MAX = "512m"

MESSAGE_BYTES_MAX = 8 * 1024 * 1024
"""The broker's own limit; each topic has a smaller one of its own (infra/topics.py)."""

JAVA_OPTIONS = (
    f"-Xmx{HEAP_MAX}",
    # One small heap on few cores: no parallel collector's threads.
    "-XX:+UseSerialGC",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)

FIXED_SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # Topics are declared (infra/topics.py); a typing error must not create one.
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # Workers come and go in tests and demos: no 3 s pause before a new group starts, and short sessions allowed.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A broker that was killed may register again only when its old session is over: 3 s, not 9, until it serves.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "message.max.bytes": str(MESSAGE_BYTES_MAX),
    "replica.fetch.max.bytes": str(MESSAGE_BYTES_MAX),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


def kafka_answers(address: str) -> bool:
    """Whether a broker is registered and serves metadata there; an open port alone comes seconds earlier."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 2000})
    try:
        return len(client.list_topics(timeout=1.0).brokers) > 0
    except KafkaException:
        return False


class LocalKafka:
    """One broker under `data_dir`; a context manager that starts and stops it.

    `restart`, and `kill` + `start`, come back on the same port with the same data.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port or free_port()
        self.settings = dict(settings or {})
        self._controller_port = free_port()
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """Bootstrap address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """Process id of the broker's JVM."""
        return self._started().pid

    def start(self) -> LocalKafka:
        """Start it with the data it left; returns when it serves metadata. Raises ServiceFailed, Missing."""
        java, classpath = need_java(), f"{jars()}/*"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        config = self._write_config()
        if not (self.data_dir / "log" / "meta.properties").exists():
            self._format(java, classpath, config)
        command = [java, *JAVA_OPTIONS, "-cp", classpath, "kafka.Kafka", str(config)]
        self._child = Child("Kafka", command, log=self.data_dir / "kafka.log", lock=self.data_dir / "lock")
        self._child.start()
        try:
            self._child.wait_ready(self._answers, START_S)
        except BaseException:
            self._child.kill()
            raise
        return self

    def stop(self) -> None:
        """End it in order; its data stays."""
        if self._child is not None:
            self._child.stop()

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9. Acknowledged records survive: the page cache outlives a process."""
        self._started().kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._started().freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._started().thaw()

    def __enter__(self) -> LocalKafka:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _started(self) -> Child:
        assert self._child is not None, "start() comes first"
        return self._child

    def _answers(self) -> bool:
        return kafka_answers(self.address)

    def _write_config(self) -> Path:
        settings = {
            **FIXED_SETTINGS,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "log.dirs": str(self.data_dir / "log"),
            **self.settings,
        }
        path = self.data_dir / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _format(self, java: str, classpath: str, config: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            java,
            *JAVA_OPTIONS,
            "-cp",
            classpath,
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(config),
        ]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FORMAT_S_MAX)
        if done.returncode != 0:
            raise ServiceFailed(f"Kafka could not format {self.data_dir / 'log'}:\n{done.stdout}{done.stderr}")
