"""A real Kafka and a real Redis for the demo and the tests, from the first of three rungs that holds.

1. addresses given by the environment (SEGUE_KAFKA and SEGUE_REDIS);
2. containers, when a container engine is up (compose for the demo, testcontainers for tests);
3. local processes: Apache Kafka fetched by Maven on Java 17+, and redis-server.

The choice is printed to stderr. Whatever was started here is ended here, also after Ctrl-C or a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import psutil

from infra import containers
from infra.child import ServiceFailed, port_open
from infra.kafka_process import LocalKafka
from infra.redis_process import LocalRedis
from infra.settings import given_addresses, without_password

TEST_PREFIX = "test-"
"""Folders of test runs are named test-<pid>-<random>."""

Kind = Literal["demo", "test"]

KNOCK_S = 5.0
"""A service whose queue of connections is full drops the first try, and the kernel tries again after 1 s and 3 s."""


class Addresses(NamedTuple):
    """Where the services are, and which rung of the ladder brought them."""

    kafka: str
    """Bootstrap servers."""
    redis: str
    """URL."""
    how: Literal["environment", "containers", "processes"]


class Unreachable(RuntimeError):
    """Addresses were given by the environment and nothing answers there."""


@contextmanager
def services(kind: Kind, data_dir: Path | str = ".segue", *, environ: Mapping[str, str] | None = None) -> Iterator[Addresses]:
    """Kafka and Redis for as long as the block runs.

    Parameters
    ----------
    kind : "demo" keeps the data of local processes under `data_dir` for the next start; "test" starts empty and leaves nothing
    data_dir : folder of the project for data and logs
    environ : where addresses are looked up; None = the process's environment

    Raises
    ------
    SettingsError : only one address is given
    Unreachable : an address is given and nothing answers
    Missing : a program is missing and may not be installed by us (one line says what to do)
    ServiceFailed : a local service ended; the message holds the end of its log
    """
    with ExitStack() as stack:
        addresses = _climb(stack, kind, Path(data_dir), environ)
        _say(_describe(addresses))
        yield addresses


def _climb(stack: ExitStack, kind: Kind, data_dir: Path, environ: Mapping[str, str] | None) -> Addresses:
    """The first rung that holds; what it started ends with `stack`."""
    given = given_addresses(environ)
    if given is not None:
        return _given(*given)
    reason = containers.why_not(kind)
    if reason is None:
        start = containers.compose if kind == "demo" else containers.throw_away
        try:
            return Addresses(*stack.enter_context(start()), "containers")
        except ServiceFailed as error:
            reason = str(error)
    _say(f"no containers ({reason}); starting local processes")
    return stack.enter_context(_processes(kind, data_dir))


def _say(line: str) -> None:
    print(f"segue: {line}", file=sys.stderr, flush=True)


def _describe(addresses: Addresses) -> str:
    how = {
        "environment": "given by the environment",
        "containers": "in containers",
        "processes": "as local processes",
    }[addresses.how]
    return f"Kafka at {addresses.kafka} and Redis at {without_password(addresses.redis)}, {how}"


def _given(kafka: str, redis: str) -> Addresses:
    if not any(port_open(*_host_port(server), KNOCK_S) for server in kafka.split(",")):
        raise Unreachable(f"SEGUE_KAFKA={kafka}: nothing accepts connections there")
    url = urlsplit(redis)
    if url.hostname and not port_open(url.hostname, url.port or 6379, KNOCK_S):
        raise Unreachable(f"SEGUE_REDIS={without_password(redis)}: nothing accepts connections there")
    return Addresses(kafka, redis, "environment")


@contextmanager
def _processes(kind: Kind, data_dir: Path) -> Iterator[Addresses]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        home = data_dir
        if kind == "test":
            _sweep(data_dir)
            home = Path(tempfile.mkdtemp(prefix=f"{TEST_PREFIX}{os.getpid()}-", dir=data_dir))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        redis = stack.enter_context(LocalRedis(home / "data" / "redis"))
        kafka = stack.enter_context(LocalKafka(home / "data" / "kafka"))
        yield Addresses(kafka.address, redis.url, "processes")


def _sweep(data_dir: Path) -> None:
    """Remove what test runs left that were killed before they could."""
    for left in data_dir.glob(f"{TEST_PREFIX}*"):
        owner = left.name.split("-")[1]
        if not (owner.isdigit() and psutil.pid_exists(int(owner))):
            shutil.rmtree(left, ignore_errors=True)


def _host_port(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)
