"""A group of one over a log in memory: nobody else claims, nothing was ever deleted, nothing is read again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from streams.ports import TP, Record

_END: Final = 1 << 40


class Alone:
    """Implements `streams.ports.Group` for a worker that runs without Kafka."""

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, _END))

    async def reposition(self, tp: TP, offset: int) -> bool:
        return True

    async def confirmed_member(self) -> None:
        return

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("nobody claims in mid-run, so nothing is read again")

    async def read_all(self, topic: str) -> list[bytes | None]:
        return []

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        return
