"""The container rung: compose for the demo, testcontainers for tests. Images are named in docker-compose.yml alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.child import ServiceFailed, free_port
from infra.kafka_process import kafka_answers
from infra.redis_process import redis_answers

COMPOSE_FILE = Path(__file__).resolve().parents[1] / "docker-compose.yml"

ENGINE_S_MAX = 10
"""A container engine that needs longer to say that it is there is not up."""

START_S_MAX = 300
"""Includes pulling the two images on a slow line."""

KAFKA_PORT, REDIS_PORT = 9092, 6379


def why_not(kind: str) -> str | None:
    """None when containers can be started for `kind`, else the reason in some words."""
    docker = shutil.which("docker")
    if docker is None:
        return "docker is not installed"
    if not COMPOSE_FILE.exists():
        return "docker-compose.yml is not here: not run from a checkout"
    if not _ok([docker, "info", "--format", "{{.ServerVersion}}"]):
        return "no container engine answers"
    if kind == "demo" and not _ok([docker, "compose", "version"]):
        return "docker has no compose command"
    return None


@contextmanager
def compose() -> Iterator[tuple[str, str]]:
    """Kafka and Redis of docker-compose.yml on their usual ports of 127.0.0.1; data stays in their volumes.

    Taken down afterwards, unless they ran before. Raises ServiceFailed.
    """
    base = ["docker", "compose", "--file", str(COMPOSE_FILE)]
    ran_before = bool(_run([*base, "ps", "--quiet", "--status", "running"]).strip())
    try:
        _run([*base, "up", "--detach", "--wait", "kafka", "redis"])
        yield f"127.0.0.1:{KAFKA_PORT}", f"redis://127.0.0.1:{REDIS_PORT}/0"
    finally:
        if not ran_before:
            _run([*base, "down", "--timeout", "10"])


@contextmanager
def throw_away() -> Iterator[tuple[str, str]]:
    """Kafka and Redis for one test session on free ports, removed afterwards (by testcontainers' reaper also after kill -9).

    Raises ServiceFailed.
    """
    from testcontainers.core.container import DockerContainer  # a development dependency: not there in an installation

    kafka_port, redis_port = free_port(), free_port()
    redis = DockerContainer(image("redis")).with_bind_ports(REDIS_PORT, redis_port)
    redis = redis.with_command("redis-server --appendonly yes --maxmemory-policy noeviction")
    kafka = DockerContainer(image("kafka")).with_bind_ports(KAFKA_PORT, kafka_port)
    for name, value in kafka_environment(kafka_port).items():
        kafka = kafka.with_env(name, value)
    with ExitStack() as stack:
        for name, container, answers in (
            ("Redis", redis, lambda: redis_answers(f"redis://127.0.0.1:{redis_port}/0")),
            ("Kafka", kafka, lambda: kafka_answers(f"127.0.0.1:{kafka_port}")),
        ):
            try:
                stack.enter_context(container)
            except Exception as error:  # docker's, requests' and testcontainers' own, all of which mean that it did not start
                raise ServiceFailed(f"{name}'s container did not start: {error}") from error
            _wait(answers, name)
        yield f"127.0.0.1:{kafka_port}", f"redis://127.0.0.1:{redis_port}/0"


def image(service: str) -> str:
    """The image that docker-compose.yml names for `service`.

    >>> image("redis").startswith("redis:")
    True
    """
    found = re.search(rf"^  {service}:\n(?:    .*\n|\n)*?    image: (\S+)$", COMPOSE_FILE.read_text(), re.MULTILINE)
    assert found, f"{COMPOSE_FILE} names no image for {service}"
    return found.group(1)


def kafka_environment(port: int) -> dict[str, str]:
    """Settings of one KRaft node in the apache/kafka image whose port 9092 the host sees as `port`."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "message.max.bytes": "8388608",
        "replica.fetch.max.bytes": "8388608",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in settings.items()}


def _wait(answers: Callable[[], bool], name: str) -> None:
    """The engine opens a published port at once, long before the service behind it listens: ask the service."""
    deadline = time.monotonic() + START_S_MAX
    while not answers():
        if time.monotonic() > deadline:
            raise ServiceFailed(f"{name}'s container did not answer within {START_S_MAX} s")
        time.sleep(0.2)


def _ok(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ENGINE_S_MAX).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _run(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_S_MAX)
    if done.returncode != 0:
        raise ServiceFailed(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout
