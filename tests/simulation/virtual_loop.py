"""An event loop whose time is a number: it sleeps by adding, so a minute of timers costs nothing and repeats exactly."""

from __future__ import annotations

import asyncio
import selectors

OVERSHOOT_S = 1e-6
"""A real loop wakes a little after a timer's time, never before it."""


class Stalled(RuntimeError):
    """Every task waits for another one: nothing would ever happen again."""


class _NoWaiting(selectors.SelectSelector):
    """Instead of waiting for sockets, moves the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("no task is ready and no timer runs")
        if timeout > 0:
            self.now_s += timeout + OVERSHOOT_S
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code without sockets and threads."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s
