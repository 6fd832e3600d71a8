"""Waiting until what users' partitions numbered is taken, although the topics end where the cursors stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from console import cursors
from console.redis_door import State

Cursor = dict[str, bytes]


class Looks:
    """A state that says something else at every second question: the users' cursors, then the tracks'."""

    def __init__(self, *stored: int) -> None:
        self._stored = iter(stored)
        self.shown: list[int] = []

    def hashes(self, keys: Sequence[str]) -> list[Cursor]:
        return [{"sent": b"[9]"}] if keys == ["u"] else [{"wm": b'{"0":%d}' % next(self._stored)}]

    def wait(self) -> None:
        cursors._wait_for_items(cast(State, self), ["u"], ["t"], self.shown.append)


def test_it_waits_while_items_come() -> None:
    looks = Looks(3, 8, 9)
    looks.wait()
    assert looks.shown == [6, 1]


def test_what_retention_deleted_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursors, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(cursors, "ON_ITS_WAY_S", 0.05)
    looks = Looks(*[7] * 1_000)
    looks.wait()
    assert 3 <= len(looks.shown) < 1_000
