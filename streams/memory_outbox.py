"""An outbox in memory that keeps the same promises as the real one (tests/contracts/test_outbox.py)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from streams.ports import Outgoing, Unavailable


class MemoryOutbox:
    """Appends to `log`, {(topic, partition): records}.

    Tests break it on purpose: `cut` makes the broker go away (publishes wait, `after` records of the next one land first
    and are *not* acknowledged), `mend` brings it back (publishes that wait go on where they stopped).
    """

    def __init__(self, log: dict[tuple[str, int], list[Outgoing]] | None = None) -> None:
        self.log: dict[tuple[str, int], list[Outgoing]] = defaultdict(list) if log is None else log
        self._here = asyncio.Event()
        self._here.set()
        self._land_first = 0
        self._closed = False

    def cut(self, after: int = 0) -> None:
        """The broker goes away once `after` more records have landed."""
        self._here.clear()
        self._land_first = after

    def mend(self) -> None:
        """The broker is back."""
        self._here.set()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append all; waits while the broker is away. Raises Unavailable when it is closed."""
        await asyncio.sleep(0)
        for record in records:
            if not self._here.is_set() and self._land_first == 0:
                await self._here.wait()
            if self._closed:
                raise Unavailable("the outbox is closed")
            self._land_first = max(0, self._land_first - 1)
            value = None if record.value is None else bytes(record.value)
            kept = record._replace(value=value, headers=record.pairs())
            self.log.setdefault((record.topic, record.partition), []).append(kept)
        await self._here.wait()
        if self._closed:
            raise Unavailable("the outbox was closed before the broker acknowledged")

    async def close(self) -> None:
        """Publishes that wait raise Unavailable."""
        self._closed = True
        self._here.set()
