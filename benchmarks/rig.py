"""What every benchmark stands on: real services, namespaces of its own, and processes that are put away."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from console.redis_door import State
from console.site import Workers, install, running_services, stop_on_signals
from console.sweep import sweep
from console.trouble import Exit, Trouble
from infra import topics
from infra.child import Child, free_port
from infra.settings import Settings, child_environment

LOGS: Final = "logs"
HOUR_MS: Final = 3_600_000
BEGUN_AGO_MS: Final = 30 * 24 * HOUR_MS
"""A crowd's first play lies so long ago: room for 60 million plays before one would lie in the future."""


@contextmanager
def rig(name: str, n_namespaces: int = 1) -> Iterator[list[Settings]]:
    """Services (the environment's, else fresh ones), and settings of namespaces whose topics exist.

    Fresh services are ended and their data deleted; on given ones the namespaces are taken away.

    Raises
    ------
    Trouble : services cannot be had (exit 4)
    """
    base = Settings.from_env()
    folder = Path(base.data_dir) / "bench"
    shutil.rmtree(folder / LOGS, ignore_errors=True)
    install()
    with stop_on_signals(), running_services("test", folder) as addresses:
        at = msgspec.structs.replace(base, kafka=addresses.kafka, redis=addresses.redis, data_dir=str(folder))
        made = [msgspec.structs.replace(at, namespace=f"{name}-{secrets.token_hex(3)}") for _ in range(n_namespaces)]
        for settings in made:
            topics.apply(settings)
        try:
            yield made
        finally:
            if addresses.how == "environment":
                for settings in made:
                    sweep(settings)


def crew(settings: Settings, roles: Mapping[str, int]) -> Workers:
    """Workers of the product, as `segue up` starts them; metrics on a free port."""
    return Workers(msgspec.structs.replace(settings, metrics_port=free_port()), logs_of(settings), roles)


def module(settings: Settings, name: str, *arguments: str) -> Child:
    """A Python module of `benchmarks` as a process, told its settings by the environment."""
    environment = child_environment(settings.to_env())
    return Child(name, [sys.executable, "-m", name, *arguments], log=logs_of(settings) / f"{name}.log", env=environment)


def logs_of(settings: Settings) -> Path:
    """Where the processes of a benchmark write; kept for who wants to know why one ended."""
    return Path(settings.data_dir) / LOGS


def services_seen(state: State) -> dict[str, object]:
    """What the figures depend on at the services' side.

    Raises
    ------
    Trouble : Redis writes no append-only file, so a figure would say nothing (exit 5)
    """
    persistence, server = state.server("persistence"), state.server("server")
    if not persistence.get("aof_enabled"):
        raise Trouble(
            Exit.REFUSED, "Redis writes no append-only file: figures without it would flatter", "redis-cli config set appendonly yes"
        )
    return {"redis": server["redis_version"], "redis_aof": True}
