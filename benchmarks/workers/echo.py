"""The echo app: the same transport, the same producer, a value of the same size, and nothing in between.

What a worker must be measured against: it has the fetch wait, Faust's hand-overs and the acknowledged publish of the
real one, but no decoding, no ranking and no Redis. `python -m benchmarks.workers.echo BYTES`, settings by environment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from typing import Final

from benchmarks.crowd import EVENT_ID, padding
from infra import logs
from infra.settings import Settings
from streams.cloudevents import recommendation_headers
from streams.faust_app import SegueApp, build_app, run_app
from streams.outbox import KafkaOutbox
from streams.ports import TP, Outgoing, Record

GROUP: Final = "echo"
SEED: Final = 1


class Echo:
    """Owner of partitions (`streams/transport.py`) that answers every event with its id and `n_bytes` of noise.

    Like the plays worker it handles what is ready on all partitions together, has one publish under way, and gathers
    meanwhile.
    """

    def __init__(self, settings: Settings, n_bytes: int) -> None:
        self._topic = f"{settings.namespace}.recommendations"
        self._settings, self._padding = settings, padding(n_bytes, SEED)
        self._held: list[Outgoing] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.app: SegueApp | None = None

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """From the end: what was sent before does not matter."""
        assert self.app is not None, "the app is built before it runs"
        if self._task is None:
            self._task = asyncio.ensure_future(self._publish_for_ever())
        ends = await self.app.consumer.bounds(set(tps))
        return {tp: end for tp, (_, end) in ends.items()}

    async def revoked(self, tps: Collection[TP]) -> None:
        """Nothing to put away."""

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        """Records of owned partitions."""
        for partition, records in chunks.items():
            self._held += [self._answer(partition, record) for record in records]
        self._wake.set()

    def _answer(self, partition: int, record: Record) -> Outgoing:
        found = EVENT_ID.search(record.value or b"")
        event_id = found.group(1) if found else b""
        value = b'{"cause":{"event_id":"%b"},"padding":"%b"}' % (event_id, self._padding)
        return Outgoing(self._topic, partition, record.key, value, recommendation_headers(event_id, record.timestamp))

    async def _publish_for_ever(self) -> None:
        outbox = KafkaOutbox(self._settings.kafka, client_id=f"{self._settings.namespace}.echo")
        while True:
            await self._wake.wait()
            self._wake.clear()
            held, self._held = self._held, []
            if held:
                await outbox.publish(held)


def main() -> None:
    """Run one echo worker in this process until a signal."""
    settings = Settings.from_env()
    logs.configure(settings, role="echo")
    echo = Echo(settings, int(sys.argv[1]))
    echo.app = build_app(settings, group=GROUP, topics=[f"{settings.namespace}.events"], segue=echo)
    run_app(echo.app)


if __name__ == "__main__":
    main()
