"""The prefork supervisor, as processes: each test runs one in a process of its own and looks from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import os, signal, sys, threading, time
from pathlib import Path
from streams.supervisor import GIVE_UP, supervise
place = Path({place!r})

def note(line):
    with (place / "notes").open("a") as out:
        out.write(line + "\\n")

def warm():
    note(f"warm {{os.getpid()}}")
    {warm}

def run_child(index):
    note(f"child {{index}} {{os.getpid()}} {{time.monotonic()}}")
    {child}

sys.exit(supervise(run_child, {workers}, warm))
"""

WAIT = "time.sleep(60)"


class Running:
    """A supervisor under test."""

    def __init__(self, place: Path, *, child: str, workers: int = 2, warm: str = "pass") -> None:
        self.place = place
        program = PROGRAM.format(place=str(place), child=child.replace("\n", "\n    "), workers=workers, warm=warm.replace("\n", "\n    "))
        self.process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def notes(self) -> list[list[str]]:
        path = self.place / "notes"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def children(self) -> list[tuple[int, int, float]]:
        """(index, pid, started at) of every child so far, in order."""
        return [(int(note[1]), int(note[2]), float(note[3])) for note in self.notes() if note[0] == "child"]

    def until_started(self, n: int) -> list[tuple[int, int, float]]:
        until(lambda: len(self.children()) >= n)
        return self.children()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def make(**options: object) -> Running:
        started.append(Running(tmp_path, **options))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        if running.process.stderr is not None:
            running.process.stderr.close()


def test_warming_up_is_paid_once_and_before_the_workers(start: Callable[..., Running]) -> None:
    running = start(child=WAIT, workers=3)
    running.until_started(3)
    assert [note[0] for note in running.notes()] == ["warm", "child", "child", "child"]
    assert running.notes()[0][1] == str(running.process.pid)
    assert running.end() == (0, "")


def test_a_killed_worker_is_back_within_a_second_in_its_seat(start: Callable[..., Running]) -> None:
    running = start(child=WAIT)
    index, pid, _ = running.until_started(2)[0]
    killed_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    again_index, again_pid, again_s = running.until_started(3)[2]
    assert (again_index, again_s - killed_s < 1.0) == (index, True)
    assert again_pid != pid
    code, errors = running.end()
    assert code == 0
    assert "ended with SIGKILL" in errors and "Starting again now" in errors


def test_a_worker_that_dies_at_once_again_and_again_waits_longer_each_time(start: Callable[..., Running]) -> None:
    running = start(child="raise ValueError('no such thing')", workers=1)
    times = [at for _, _, at in running.until_started(5)]
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert pauses[0] < 0.4 and pauses[1] >= 0.5 and pauses[2] >= 1.0 and pauses[3] >= 2.0
    code, errors = running.end()
    assert code in (0, 1), "1 when the last one died of its own error while it was being stopped"
    assert "the 4th time in a row" in errors and "Starting again in 2 s" in errors and "no such thing" in errors


def test_a_worker_that_gives_up_ends_all_with_its_code(start: Callable[..., Running]) -> None:
    running = start(child="sys.exit(GIVE_UP) if index == 1 else time.sleep(60)")
    _, errors = running.process.communicate(timeout=20)
    assert running.process.returncode == 78
    assert "starting again cannot help" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_workers_and_a_clean_end_is_code_0(start: Callable[..., Running], number: int) -> None:
    child = "for n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, lambda *_: (note('asked'), sys.exit(0)))\ntime.sleep(60)"
    running = start(child=child)
    pids = [pid for _, pid, _ in running.until_started(2)]
    time.sleep(0.1)
    assert running.end(number)[0] == 0
    assert [note[0] for note in running.notes()].count("asked") == 2
    assert all(gone(pid) for pid in pids)


def test_a_worker_that_ignores_the_signal_is_killed_in_the_end(start: Callable[..., Running]) -> None:
    running = start(child="signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnote('deaf')\ntime.sleep(60)", workers=1)
    pid = running.until_started(1)[0][1]
    until(lambda: ["deaf"] in running.notes())
    asked_s = time.monotonic()
    code, errors = running.end()
    assert code == 1 and "killing them" in errors and gone(pid)
    assert time.monotonic() - asked_s < 9


def test_no_worker_outlives_a_killed_supervisor(start: Callable[..., Running]) -> None:
    running = start(child="signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT)
    pids = [pid for _, pid, _ in running.until_started(2)]
    running.process.kill()
    running.process.wait()
    until(lambda: all(gone(pid) for pid in pids), timeout_s=2)


def test_a_thread_left_by_warming_up_is_refused(start: Callable[..., Running]) -> None:
    running = start(child=WAIT, warm="threading.Thread(target=time.sleep, args=(0.5,)).start()")
    _, errors = running.process.communicate(timeout=20)
    assert running.process.returncode == 1 and "left threads behind" in errors
    assert running.children() == []


def test_the_supervisor_holds_no_thread_and_no_socket(start: Callable[..., Running]) -> None:
    running = start(child=WAIT)
    running.until_started(2)
    process = psutil.Process(running.process.pid)
    assert process.num_threads() == 1 and process.net_connections() == []
