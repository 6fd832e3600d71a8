"""The producer of a chaos run: a steady trickle, and bursts that leave the workers behind at every fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from console.chaos_load import Sent
from infra.settings import Settings

TICK_S: Final = 0.05
QUEUE_MAX: Final = 200_000


class Feed:
    """Sends records in a thread of its own until it is told to finish.

    On a slow machine the faults take longer, and the trickle with them: more plays are sent then, for a worker
    that is killed with nothing to do has nothing to recover.

    Parameters
    ----------
    plays: valid plays to send, at least; duplicates, bad records and the like come on top
    per_s: plays per second of the trickle
    """

    def __init__(self, settings: Settings, records: Iterator[Sent], *, plays: int, per_s: float) -> None:
        self._topic = f"{settings.namespace}.events"
        self._records = records
        self._plays, self._per_s = plays, per_s
        self.n_plays = 0
        self.n_sent = self.n_acked = 0
        self.ends: dict[int, int] = {}
        """Partition -> offset behind the last acknowledged record."""
        self._burst = 0
        self._failed: BaseException | str | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._guarded, name="chaos-feed", daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": QUEUE_MAX,
                # The broker dies and comes back in these runs: never give a record up.
                "message.timeout.ms": 0,
                "log_level": 0,
            }
        )

    def start(self) -> None:
        """Begin with the trickle."""
        self._thread.start()

    def burst(self, plays: int) -> None:
        """Send so many plays as fast as possible, soon."""
        with self._lock:
            self._burst += plays

    @property
    def plays_left(self) -> int:
        """Of the plays that were asked for, how many are still to be sent."""
        return max(0, self._plays - self.n_plays)

    def finish(self, timeout_s: float) -> None:
        """Send what is left, wait for every acknowledgement, and stop. Raises `RuntimeError` when that fails."""
        self.burst(self.plays_left)
        deadline_s = time.monotonic() + timeout_s
        while self._thread.is_alive() and self.plays_left and time.monotonic() < deadline_s:
            time.sleep(TICK_S)
        self.stop()
        left = self._producer.flush(max(1.0, deadline_s - time.monotonic()))
        self.check()
        if left or self.plays_left:
            raise RuntimeError(f"{left} records are not acknowledged and {self.plays_left} plays not sent after {timeout_s:.0f} s")

    def stop(self) -> None:
        """End the thread; what is queued stays queued."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def check(self) -> None:
        """Raises `RuntimeError` when a record could not be delivered."""
        if self._failed is not None:
            raise RuntimeError(f"the producer of the chaos run failed: {self._failed}")

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._failed = error

    def _run(self) -> None:
        due, last_s = 0.0, time.monotonic()
        while not self._stop.is_set():
            now_s = time.monotonic()
            due += (now_s - last_s) * self._per_s
            last_s = now_s
            with self._lock:
                n, self._burst = int(due) + self._burst, 0
            due -= int(due)
            self._send(n)
            self._producer.poll(TICK_S)

    def _send(self, plays: int) -> None:
        while plays and not self._stop.is_set():
            sent = next(self._records)
            while not self._produce(sent):
                self._producer.poll(TICK_S)
                if self._stop.is_set():
                    return
            self.n_sent += 1
            plays -= sent.is_play
            self.n_plays += sent.is_play
            self._producer.poll(0)

    def _produce(self, sent: Sent) -> bool:
        try:
            self._producer.produce(
                self._topic, sent.value, sent.key, partition=sent.partition, headers=list(sent.headers), on_delivery=self._delivered
            )
        except BufferError:
            return False
        return True

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = error.str()
            return
        self.n_acked += 1
        partition, offset = message.partition() or 0, message.offset() or 0
        self.ends[partition] = max(self.ends.get(partition, 0), offset + 1)
