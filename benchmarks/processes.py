"""CPU time and memory of a process that is being measured, and the machine that measured it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from benchmarks.crowd import Play
from console.trouble import Exit, Trouble
from streams.contract import Play as PlayEvent

APPEARS_S = 60.0
"""A supervisor warms its kernels up before it forks; two busy cores took 20 s."""
STAYS_S = 0.1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Threads(NamedTuple):
    """CPU seconds of a process by kind of thread."""

    main: float
    """The loop of the rounds."""
    librdkafka: float
    """Threads that compress and send what is published."""
    others: float
    """The consumer's thread, delivery callbacks, metrics; and threads that ended."""

    def minus(self, other: Threads) -> Threads:
        return Threads(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


def child_of(parent_pid: int) -> int:
    """The only worker process of a supervisor; waits until it is there.

    Warming up may start a helper for a moment: a worker is a fork, so it has its parent's command line, and stays.

    Raises
    ------
    Trouble : the supervisor is gone, or has no worker after APPEARS_S (exit 1)
    """
    deadline_s = time.monotonic() + APPEARS_S
    while time.monotonic() < deadline_s:
        try:
            parent = psutil.Process(parent_pid)
            forks = [child for child in parent.children() if child.cmdline() == parent.cmdline()]
            time.sleep(STAYS_S)
            for fork in forks:
                if fork.is_running() and fork.cmdline() == parent.cmdline():
                    return int(fork.pid)
        except psutil.NoSuchProcess:
            if not psutil.pid_exists(parent_pid):
                break
    raise Trouble(Exit.FAILURE, f"supervisor {parent_pid} has no worker", "segue doctor")


def cpu_s(pid: int) -> float:
    """User and system time of all threads, s; the kernel counts in steps of 10 ms.

    Raises
    ------
    Trouble : the process is gone (exit 1)
    """
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        raise Trouble(Exit.FAILURE, f"process {pid} ended while it was measured", "segue doctor") from None
    return float(times.user + times.system)


def threads_s(pid: int) -> Threads:
    """CPU time by kind of thread, s; all zero where there is no /proc."""
    main = librdkafka = 0.0
    for task in _tasks(pid):
        try:
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        used_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        main += used_s if task.name == str(pid) else 0.0
        librdkafka += used_s if name.startswith("rdk:") else 0.0
    return Threads(main, librdkafka, cpu_s(pid) - main - librdkafka)


def _tasks(pid: int) -> Iterable[Path]:
    folder = Path("/proc") / str(pid) / "task"
    return folder.iterdir() if folder.exists() else ()


def rss_bytes(pid: int) -> int:
    """Memory that is really there, shared pages with the supervisor included."""
    return int(psutil.Process(pid).memory_info().rss)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def decode_us(plays: list[Play]) -> float:
    """us of CPU to decode one play in this process: how fast the machine is right now (it varies by 1.8x on shared ones)."""
    decode = msgspec.json.Decoder(PlayEvent).decode
    begun_ns = time.thread_time_ns()
    for play in plays:
        decode(play.value)
    return (time.thread_time_ns() - begun_ns) / 1_000 / max(1, len(plays))
