"""A small parent for one local service, so that no end of ours leaves the service behind.

Run as a script: `guard.py OWNER_PID GRACE_S LOCK COMMAND…`. It starts COMMAND, and ends it (SIGTERM, after
GRACE_S seconds SIGKILL) when it is told to by SIGTERM or when OWNER_PID is gone, `kill -9` included. Should the
guard itself be killed, Linux kills COMMAND with it. While it lives it holds LOCK (a file; "-" = none), so that
two services never write to one folder; the guard of a second one waits a little for one that is just ending.

It watches the owner *process*: the kernel's own "parent died" signal fires when the starting *thread* ends, which
in a thread pool is much earlier. It is run by path and imports the standard library only, so that it starts in
20 ms and costs 10 MB.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from types import FrameType

POLL_S = 0.2
"""How long a service may outlive its owner; five looks a second cost nothing measurable."""

LOCK_S = 15.0
"""Longer than any grace: a predecessor that is being ended has let go by then."""

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def die_with_parent() -> None:
    """Ask Linux to kill this process with its parent; elsewhere the guard's own watch has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Guard:
    """Starts the command and keeps it exactly as long as it is wanted."""

    def __init__(self, owner_pid: int, grace_s: float, command: list[str]) -> None:
        self.owner_pid = owner_pid
        self.grace_s = grace_s
        self.command = command
        self.told_to_stop = False
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        self.told_to_stop = True

    def run(self) -> int:
        """The service's exit status; negative for a signal."""
        # A guard has one thread, so the preexec function is safe here.
        service = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        while self._wanted():
            try:
                return service.wait(timeout=POLL_S)
            except subprocess.TimeoutExpired:
                continue
        return self._end(service)

    def lock(self, path: str) -> bool:
        """Whether the lock is ours now; it stays so until this process ends."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_S
        while self._wanted() and time.monotonic() < deadline:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _wanted(self) -> bool:
        return not self.told_to_stop and os.getppid() == self.owner_pid

    def _end(self, service: subprocess.Popen[bytes]) -> int:
        # A stopped (SIGSTOP) service would not hear SIGTERM before the grace is over.
        service.send_signal(signal.SIGCONT)
        service.terminate()
        deadline = time.monotonic() + self.grace_s
        while service.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if service.poll() is None:
            service.kill()
        return service.wait()


def main(arguments: list[str]) -> int:
    owner_pid, grace_s, lock, *command = arguments
    guard = Guard(int(owner_pid), float(grace_s), command)
    if lock != "-" and not guard.lock(lock):
        print(f"another process uses this folder: it holds {lock}", flush=True)
        return 1
    return guard.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) & 0xFF)
