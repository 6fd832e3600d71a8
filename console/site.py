"""A whole Segue on this machine: services, topics and workers, for as long as a block runs.

Whatever ends the block (its end, Ctrl-C, SIGTERM, a failure, even `kill -9`) ends every process that it started.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, Literal, NamedTuple, Self

import msgspec

from console.output import say
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra import containers, topics
from infra.child import Child, ServiceFailed, free_port, port_open
from infra.kafka_jars import jars
from infra.services import Addresses, Kind, Unreachable, services
from infra.settings import Settings, SettingsError, child_environment, given_addresses
from infra.system import Missing, need_java, need_redis

ROLES: Final[dict[str, Literal["plays", "models", "catalogue", "answers"]]] = {
    "plays": "plays",
    "models": "models",
    "catalogue": "catalogue",
    "answers": "answers",
}
READY_S = 300.0
"""A first start compiles the kernels: 20 s on a calm machine, much more on two busy cores."""


class Workers:
    """One supervisor per role, each under its guard; logs under `logs`."""

    def __init__(self, settings: Settings, logs: Path, counts: Mapping[str, int]) -> None:
        self.settings = settings
        self.children: dict[str, Child] = {}
        self.metrics: dict[str, int] = {}
        self._before: list[bytes] = []
        for number, (role, count) in enumerate(counts.items()):
            port = _metrics_port(settings.metrics_port + number) if settings.metrics_port else 0
            environment = child_environment(msgspec.structs.replace(settings, metrics_port=port).to_env())
            command = [sys.executable, "-m", "console", "worker", role, "--workers", str(count)]
            self.children[role] = Child(f"{role} workers", command, log=logs / f"{role}.log", env=environment)
            self.metrics[role] = port

    def __enter__(self) -> Self:
        try:
            self._before = self._tokens()
            for child in self.children.values():
                child.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """All at once; a supervisor ends its workers first."""
        with ThreadPoolExecutor(len(self.children) or 1) as pool:
            list(pool.map(Child.stop, self.children.values()))

    def check(self) -> None:
        """Raises `Trouble` (exit 1) when a supervisor ended by itself."""
        for child in self.children.values():
            if not child.running:
                raise Trouble(Exit.FAILURE, f"the {child.name} ended; last lines of {child.log}:\n{child.tail()}", "segue doctor")

    def wait_ready(self) -> None:
        """Until every events partition was claimed anew, which gives its cursor another token.

        Raises
        ------
        Trouble : a supervisor ended, or `READY_S` are over (exit 1)
        """
        deadline_s = time.monotonic() + READY_S
        while not all(now and now != before for now, before in zip(self._tokens(), self._before, strict=True)):
            self.check()
            if time.monotonic() > deadline_s:
                child = self.children["plays"]
                raise Trouble(
                    Exit.FAILURE, f"no worker was ready after {READY_S:.0f} s; last lines of {child.log}:\n{child.tail()}", "segue doctor"
                )
            time.sleep(0.1)

    def _tokens(self) -> list[bytes]:
        """Who owns each events partition; b"" = nobody yet."""
        state = State(self.settings)
        cursors = state.hashes([state.keys.user_cursor(p) for p in range(self.settings.events_partitions)])
        state.close()
        return [cursor.get("token", b"") for cursor in cursors]


@contextmanager
def running_services(kind: Kind, data_dir: Path) -> Iterator[Addresses]:
    """`infra.services.services`, with its failures as `Trouble` (exit 4; settings: 2)."""
    try:
        with services(kind, data_dir) as addresses:
            yield addresses
    except SettingsError as error:
        raise Trouble(Exit.USAGE, str(error), "env | grep SEGUE_") from error
    except Unreachable as error:
        raise Trouble(Exit.UNREACHABLE, str(error), "unset SEGUE_KAFKA SEGUE_REDIS; segue up") from error
    except Missing as error:
        raise Trouble(Exit.UNREACHABLE, str(error), "segue up") from error
    except ServiceFailed as error:
        raise Trouble(Exit.UNREACHABLE, str(error), "segue doctor") from error


def install() -> None:
    """Have the programs that local services need and the compiled kernels, so that what follows can be timed.

    Raises
    ------
    Trouble : one is missing and may not be installed by us (exit 4)
    """
    try:
        if given_addresses() is None and containers.why_not("demo") is not None:
            need_redis()
            need_java()
            jars()
    except Missing as error:
        raise Trouble(Exit.UNREACHABLE, str(error), "segue demo") from error
    except SettingsError as error:
        raise Trouble(Exit.USAGE, str(error), "env | grep SEGUE_") from error
    _compile()


def _compile() -> None:
    """The kernels of both roles, before two workers that start at once both do it."""
    # It takes a second to import: only starting needs it. The folder's name is a digest of the sources.
    from online_models.kernel import CACHE

    if any(CACHE.rglob("*.nbi")):
        return
    say("compiling the kernels: once for this version, some three minutes")
    done = subprocess.run([sys.executable, "-m", "streams.warm_up"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(Exit.FAILURE, f"the kernels could not be compiled:\n{done.stderr}", "segue doctor")


class Site(NamedTuple):
    """What runs: settings with the true addresses, the workers, and which rung brought the services."""

    settings: Settings
    workers: Workers
    how: str


@contextmanager
def site(settings: Settings, *, data_dir: Path, workers: Mapping[str, int]) -> Iterator[Site]:
    """Services, topics and workers.

    Parameters
    ----------
    workers : role -> number of worker processes; {} = none
    """
    with stop_on_signals(), ExitStack() as stack:
        addresses = stack.enter_context(running_services("demo", data_dir))
        settings = msgspec.structs.replace(settings, kafka=addresses.kafka, redis=addresses.redis, data_dir=str(data_dir))
        topics.apply(settings)
        crew = stack.enter_context(Workers(settings, data_dir / "logs", workers))
        for role, child in crew.children.items():
            say(f"{role} workers started, log {child.log}")
        yield Site(settings, crew, addresses.how)


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does: with everything put away.

    SIGINT is among them because a shell starts background jobs with it ignored.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _metrics_port(wanted: int) -> int:
    """`wanted`, or a free one when somebody listens there."""
    return free_port() if port_open("127.0.0.1", wanted) else wanted
