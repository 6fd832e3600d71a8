"""A radio asked for by an event, on real services: from the event to its answer, CPU per answer, CPU per record passed over.

`python -m benchmarks.answers`: one plays worker, one answers worker, an audience that was heard; then questions one by one, then a
burst of plays that ask nothing. Times are the broker's: append of the event to append of its answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import typer

from benchmarks.processes import child_of, cpu_s, machine
from benchmarks.rig import crew, rig
from console.asking import ask
from console.audience import Audience, TimeLapse, event
from console.cursors import drain, wait_for
from console.kafka_door import Sender, end_offsets, records
from console.output import Json, say, say_json, screen
from console.redis_door import State
from infra.settings import Settings
from streams.clock import SystemClock

DAY_MS: Final = 86_400_000
IDLE_S: Final = 5.0


class Scene:
    """A namespace at work."""

    def __init__(self, settings: Settings, pid: int) -> None:
        self.settings, self.pid = settings, pid
        self.state, self.clock = State(settings), SystemClock()
        self.sender = Sender(settings)
        self.topic = f"{settings.namespace}.events"
        self.users: list[str] = []
        self.tracks: list[str] = []

    def play(self, audience: Audience, n: int) -> None:
        """Send `n` plays and wait until the plays worker and the answers worker are beyond them."""
        lapse = TimeLapse(self.clock.now_ms() - 20 * DAY_MS, 1.0)
        for listen in islice(audience.listens(), n):
            body: Mapping[str, Any] = event(listen, lapse, run="bench")
            self.users.append(body["user_id"])
            self.tracks.append(body["track_id"])
            self.sender.send(self.topic, str(body["user_id"]).encode(), msgspec.json.encode(body))
        self.sender.flush()
        drain(self.state, lambda _: None)
        self.passed()

    def passed(self) -> None:
        """The answers worker notes how far it is every 2 s."""
        keys = [self.state.keys.answers_cursor(p) for p in range(self.settings.events_partitions)]
        wait_for(self.state, keys, end_offsets(self.settings, self.topic), lambda _: None, what="events to look through")

    def idle_share(self) -> float:
        """CPU that the answers worker takes while nothing happens."""
        before = cpu_s(self.pid)
        time.sleep(IDLE_S)
        return (cpu_s(self.pid) - before) / IDLE_S

    def used(self, before_s: float, began_s: float, idle: float) -> float:
        """CPU seconds since `before_s`, without what idling would have taken."""
        return cpu_s(self.pid) - before_s - idle * (time.monotonic() - began_s)

    def questions(self, n: int, length: int) -> tuple[list[float], list[float]]:
        """One after the other: seconds that the one who asks waits, and ms between the two appends."""
        waited, sizes = [], []
        for i in range(n):
            start = {"track_id": self.tracks[-1 - 7 * i]} if i % 2 else {}
            body = {"type": "radio", "user_id": self.users[-1 - 11 * i], "n": length, **start}
            heard = ask(self.settings, body, self.clock.now_ms(), 60.0)
            waited.append(heard.waited_s)
            sizes.append(float(len(heard.answer.entries)))
        return waited, sizes

    def between_ms(self) -> list[int]:
        """From the append of each question to the append of its answer."""
        asked = {
            (m.partition(), m.offset()): m.timestamp()[1] for m in records(self.settings, self.topic, from_beginning=True, follow=False)
        }
        found = []
        for message in records(self.settings, f"{self.settings.namespace}.answers", from_beginning=True, follow=False):
            cause = msgspec.json.decode(message.value() or b"")["cause"]
            found.append(message.timestamp()[1] - asked[cause["partition"], cause["offset"]])
        return found


def main(
    plays: Annotated[int, typer.Option(min=1_000)] = 20_000,
    questions: Annotated[int, typer.Option(min=4)] = 60,
    passed: Annotated[int, typer.Option(min=1_000, help="Plays that ask nothing.")] = 50_000,
    length: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> None:
    """Print the figures of one run."""
    with rig("answers") as (settings,), crew(settings, {"plays": 1, "answers": 1}) as workers:
        workers.wait_ready()
        scene = Scene(settings, child_of(workers.children["answers"].pid))
        audience = Audience(7, n_users=200)
        say(f"{plays:,} plays")
        scene.play(audience, plays)
        idle = scene.idle_share()
        say(f"{questions} questions for {length} tracks")
        before_s, began_s = cpu_s(scene.pid), time.monotonic()
        waited, sizes = scene.questions(questions, length)
        per_answer_s = scene.used(before_s, began_s, idle) / questions
        between = scene.between_ms()
        say(f"{passed:,} plays that ask nothing")
        before_s, began_s = cpu_s(scene.pid), time.monotonic()
        scene.play(audience, passed)
        per_record_s = scene.used(before_s, began_s, idle) / passed
    told = {
        "machine": machine(),
        "tracks_mean": float(np.mean(sizes)),
        "event_to_answer_ms": {f"p{p}": float(np.percentile(between, p)) for p in (50, 95)},
        "asker_waits_ms": {f"p{p}": round(1e3 * float(np.percentile(waited, p)), 1) for p in (50, 95)},
        "cpu_ms_per_answer": round(1e3 * per_answer_s, 1),
        "cpu_us_per_record_passed": round(1e6 * per_record_s, 2),
        "cpu_share_idle": round(idle, 4),
    }
    if as_json:
        say_json(told)
    else:
        for name, value in told.items():
            screen().print(f"{name}: {value}", markup=False)


if __name__ == "__main__":
    typer.run(main)
