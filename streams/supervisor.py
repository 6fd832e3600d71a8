"""Prefork supervisor: imports and numba's warm-up are paid once, a dead worker is back in milliseconds.

The parent warms up, forks the workers and then only waits for signals: no threads, sockets or event loops, because a
fork copies their locks but not their threads. Every worker opens its own connections.

    worker dies                        a new one is forked at once; one that keeps dying young waits longer each time
    worker exits with GIVE_UP          starting again cannot help (wrong settings, refused state): everything ends with that code
    SIGTERM, SIGINT at the supervisor  forwarded; after STOP_S, or at a second signal, SIGKILL
    supervisor dies, even by SIGKILL   the kernel kills the workers (PR_SET_PDEATHSIG): no orphan holds partitions
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

GIVE_UP = 78
"""Exit code (EX_CONFIG) of a worker that must not be started again before somebody has looked."""

STOP_S = 6.0
"""Workers end themselves within 4.8 s (streams/faust_app.py); this is for one that cannot even do that."""

YOUNG_S = 10.0
"""A worker that lived shorter died at its start; longer, and it has done work since."""

PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 30.0

PR_SET_PDEATHSIG = 1

HEARD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})


@dataclass
class Child:
    """One worker's seat: who sits there, and how often its holders died young."""

    index: int
    pid: int = 0
    started_s: float = 0.0
    deaths: int = 0
    start_at_s: float = 0.0


def pause_s(deaths: int) -> float:
    """Pause before the next start after `deaths` early deaths in a row: none at first, then doubling.

    >>> [pause_s(n) for n in (0, 1, 2, 3, 4, 20)]
    [0.0, 0.0, 0.5, 1.0, 2.0, 30.0]
    """
    return 0.0 if deaths < 2 else float(min(PAUSE_MAX_S, PAUSE_FIRST_S * 2 ** min(deaths - 2, 16)))


def supervise(run_child: Callable[[int], None], workers: int, warm: Callable[[], None]) -> int:
    """Run `workers` processes of `run_child(index)` until a signal; returns the exit code for the supervisor itself.

    `warm` imports and compiles in the parent. It must not leave a thread behind: raises RuntimeError when it does.
    """
    warm()
    if threading.active_count() != 1:
        raise RuntimeError(f"warming up left threads behind, and a fork would lose them: {threading.enumerate()}")
    # What exists now is shared by all workers: keep their garbage collectors from touching (copying) it.
    gc.collect()
    gc.freeze()
    return _Supervisor(run_child, workers).run()


class _Supervisor:
    def __init__(self, run_child: Callable[[int], None], workers: int) -> None:
        self._run_child = run_child
        self._children = [Child(index) for index in range(workers)]
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        self._stop_at_s: float | None = None
        self._code = 0

    def run(self) -> int:
        # Blocked signals wait until sigtimedwait asks for them: none is lost between two looks.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            while not self._over():
                self._start_due()
                heard = signal.sigtimedwait(HEARD, self._patience_s())
                if heard is not None and heard.si_signo != signal.SIGCHLD:
                    self._stop(heard.si_signo)
                self._reap()
                self._lose_patience()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._code

    def _over(self) -> bool:
        return self._stop_at_s is not None and not any(child.pid for child in self._children)

    def _patience_s(self) -> float:
        times = [child.start_at_s for child in self._children if not child.pid] if self._stop_at_s is None else [self._stop_at_s]
        return max(0.0, min(times, default=time.monotonic() + 3600.0) - time.monotonic())

    def _start_due(self) -> None:
        for child in self._children:
            if self._stop_at_s is None and not child.pid and child.start_at_s <= time.monotonic():
                self._fork(child)

    def _fork(self, child: Child) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os._exit(self._live(child.index, parent))
        child.pid, child.started_s = pid, time.monotonic()

    def _live(self, index: int, parent: int) -> int:
        """In the new process: its exit code."""
        self._prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return 1
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        try:
            self._run_child(index)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 1
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        return code

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self._children:
                if child.pid == pid:
                    self._on_death(child, os.waitstatus_to_exitcode(status))

    def _on_death(self, child: Child, code: int) -> None:
        pid, lived_s = child.pid, time.monotonic() - child.started_s
        child.pid = 0
        if self._stop_at_s is not None:
            self._code = self._code or (1 if code > 0 else 0)
            return
        if code == GIVE_UP:
            _say(f"worker {child.index} ({pid}) says that starting again cannot help; its reason stands above. All workers stop.")
            self._stop(signal.SIGTERM)
            self._code = GIVE_UP
            return
        child.deaths = child.deaths + 1 if lived_s < YOUNG_S else 0
        pause = pause_s(child.deaths)
        child.start_at_s = time.monotonic() + pause
        often = f", the {child.deaths}th time in a row" if child.deaths > 1 else ""
        when = f"in {pause:g} s" if pause else "now"
        ended = f"worker {child.index} ({pid}) ended with {_spelled(code)} after {lived_s:.1f} s{often}"
        _say(f"{ended}; its reason stands above. Starting again {when}.")

    def _stop(self, number: int) -> None:
        if self._stop_at_s is not None:
            self._stop_at_s = time.monotonic()
            return
        self._stop_at_s = time.monotonic() + STOP_S
        self._send(number)

    def _lose_patience(self) -> None:
        if self._stop_at_s is not None and time.monotonic() >= self._stop_at_s and not self._over():
            _say("some workers did not stop in time: killing them; the next owner publishes what they had not")
            self._send(signal.SIGKILL)
            self._stop_at_s = time.monotonic() + STOP_S
            self._code = 1

    def _send(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)


def _spelled(code: int) -> str:
    """An exit code for people.

    >>> _spelled(1), _spelled(-9)
    ('exit code 1', 'SIGKILL')
    """
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _say(line: str) -> None:
    print(f"supervisor: {line}", file=sys.stderr, flush=True)
