"""Sends plays at a rate and reads the lists that answer them, both with one clock: how long each took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
from confluent_kafka import OFFSET_END, Consumer, Message, TopicPartition
from numpy.random import Generator

from benchmarks.crowd import EVENT_ID, Play
from benchmarks.load import producer
from console.trouble import Exit, Trouble
from infra.settings import Settings

READ_MAX: Final = 1_000
GRACE_S: Final = 5.0
"""How long the last lists may take; later ones count as unanswered."""
READY_S: Final = 120.0
FIRST_S: Final = 0.25
"""Between two plays while nobody answers yet."""


class Heard(NamedTuple):
    """What one run at one rate said."""

    ms: np.ndarray
    """(n,) from just before a play was produced until its list was read, of plays sent after the warm-up."""
    unanswered: int
    cpu_share: float
    """CPU of the process that answered, of one core, after the warm-up."""

    def shown(self) -> dict[str, float]:
        """For the report."""
        p50, p95, p99 = np.percentile(self.ms, (50, 95, 99)).tolist()
        return {
            "plays": len(self.ms),
            "p50_ms": round(p50, 1),
            "p95_ms": round(p95, 1),
            "p99_ms": round(p99, 1),
            "max_ms": round(float(self.ms.max()), 1),
            "unanswered": self.unanswered,
            "cpu_share": round(self.cpu_share, 3),
        }


class Probe:
    """One producer and one reader on one namespace; a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._topic = f"{settings.namespace}.events"
        # No linger: librdkafka's default of 5 ms would be half of what is measured.
        self._producer = producer(settings, **{"linger.ms": 0})
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": f"{settings.namespace}-probe",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.min.bytes": 1,
            }
        )
        lists = f"{settings.namespace}.recommendations"
        self._consumer.assign([TopicPartition(lists, p, OFFSET_END) for p in range(settings.events_partitions)])
        self.sent: dict[bytes, float] = {}
        self.read: dict[bytes, float] = {}
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read_for_ever, name="probe", daemon=True)

    def __enter__(self) -> Probe:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._reader.join()
        self._consumer.close()
        self._producer.flush(GRACE_S)

    def wait_ready(self, plays: Iterator[Play]) -> None:
        """Send plays now and then until one is answered.

        Raises
        ------
        Trouble : none was within READY_S (exit 1)
        """
        deadline_s = time.monotonic() + READY_S
        while not self.read:
            if time.monotonic() > deadline_s:
                raise Trouble(Exit.FAILURE, f"no play was answered within {READY_S:.0f} s", "segue doctor")
            self._send(next(plays))
            time.sleep(FIRST_S)

    def drive(self, plays: Iterator[Play], rate: float, warm_s: float, seconds: float, rng: Generator, cpu_s: Callable[[], float]) -> Heard:
        """Send at `rate` (Poisson) for `warm_s` + `seconds`; judge the plays of the latter."""
        self._send_at(plays, rate, warm_s, rng)
        warm = len(self.sent)
        begun_s, used_s = time.monotonic(), cpu_s()
        self._send_at(plays, rate, seconds, rng)
        share = (cpu_s() - used_s) / (time.monotonic() - begun_s)
        judged = list(self.sent.items())[warm:]
        deadline_s = time.monotonic() + GRACE_S
        while any(event_id not in self.read for event_id, _ in judged) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        took_s = [self.read[event_id] - at_s for event_id, at_s in judged if event_id in self.read]
        if not took_s:
            raise Trouble(Exit.FAILURE, f"none of {len(judged)} plays was answered", "segue doctor")
        return Heard(1000 * np.array(took_s), len(judged) - len(took_s), share)

    def _send_at(self, plays: Iterator[Play], rate: float, seconds: float, rng: Generator) -> None:
        begun_s = time.monotonic()
        due_s = begun_s + np.cumsum(rng.exponential(1 / rate, size=int(2 * rate * seconds) + 10))
        for at_s in due_s[due_s < begun_s + seconds].tolist():
            wait_s = at_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self._send(next(plays))

    def _send(self, play: Play) -> None:
        self.sent[play.event_id] = time.monotonic()
        self._producer.produce(self._topic, play.value, play.key)
        self._producer.poll(0)

    def _read_for_ever(self) -> None:
        while not self._stop.is_set():
            first = self._consumer.poll(0.1)
            if first is not None:
                self._note([first, *self._consumer.consume(READ_MAX, 0)])

    def _note(self, messages: list[Message]) -> None:
        now_s = time.monotonic()
        for message in messages:
            found = EVENT_ID.search(message.value() or b"")
            if found:
                self.read.setdefault(found.group(1), now_s)
