"""One local service process under its guard: start, stop, kill -9, freeze, and never an orphan."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from infra import guard

GRACE_S = 10.0
"""Patience after SIGTERM. A broker needs 1-2 s, Redis milliseconds."""

PORT_LOW, PORT_HIGH = 20_000, 32_768
"""Below the ephemeral range of Linux: while a killed service is away no client's outgoing connection can take
its port, and a client that retries cannot connect to itself."""

TAIL_LINES = 15


class ServiceFailed(RuntimeError):
    """A local service ended or stayed silent; the message holds the end of its log."""


class Child:
    """A command and its guard.

    Parameters
    ----------
    log : where its output is appended
    env : its whole environment; None = ours
    lock : a file that at most one running service holds; for those whose folder bears one writer
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, lock: Path | None = None
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(env) if env is not None else None
        self.lock = lock
        self._guard: subprocess.Popen[bytes] | None = None
        self._service: psutil.Process | None = None

    @property
    def running(self) -> bool:
        """Whether the service process is there (a frozen one is)."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the service itself, not of its guard."""
        return int(self._process().pid)

    def start(self) -> None:
        """Start the command; returns before it is ready."""
        if self.running:
            raise ServiceFailed(f"{self.name} is running already (pid {self.pid})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        shell = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(GRACE_S), str(self.lock or "-"), *self.command]
        with self.log.open("ab") as out:
            # Its own session: Ctrl-C in the terminal reaches us alone, and we stop services in our order.
            self._guard = subprocess.Popen(
                shell, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self.env, start_new_session=True
            )
        self._service = None

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready()` is true; raises ServiceFailed when the service ends or the time is over."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise ServiceFailed(f"{self.name} ended while it started; last lines of {self.log}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{self.name} was not ready after {timeout_s:.0f} s; last lines of {self.log}:\n{self.tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order (SIGTERM, SIGKILL after the grace); no error when it is gone already."""
        if self._guard is not None:
            self._guard.terminate()
            self._guard.wait(timeout=GRACE_S * 2)
            self._guard = None

    def kill(self) -> None:
        """kill -9, as a power button would; returns when the process is gone."""
        if self.running:
            self._process().kill()
        if self._guard is not None:
            self._guard.wait(timeout=GRACE_S)
            self._guard = None

    def freeze(self) -> None:
        """SIGSTOP: it holds its port and answers nothing."""
        self._process().suspend()

    def thaw(self) -> None:
        """SIGCONT."""
        self._process().resume()

    def signal(self, number: signal.Signals) -> None:
        """Send any signal to the service."""
        self._process().send_signal(number)

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The end of the log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _process(self) -> psutil.Process:
        if self._guard is None or self._guard.poll() is not None:
            raise ServiceFailed(f"{self.name} is not running; last lines of {self.log}:\n{self.tail()}")
        if self._service is None:
            self._service = self._find(psutil.Process(self._guard.pid))
        return self._service

    def _find(self, guard_process: psutil.Process) -> psutil.Process:
        """The guard's only child; it appears some milliseconds after the guard."""
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            children = guard_process.children()
            if children:
                return children[0]
            time.sleep(0.01)
        raise ServiceFailed(f"{self.name} was never started by its guard; last lines of {self.log}:\n{self.tail()}")


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on, outside the ephemeral range."""
    width = PORT_HIGH - PORT_LOW
    first = secrets.randbelow(width)
    for step in range(width):
        port = PORT_LOW + (first + step) % width
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceFailed(f"no free port between {PORT_LOW} and {PORT_HIGH} on 127.0.0.1")


def port_open(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
