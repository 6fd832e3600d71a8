"""The demo: a whole Segue, a simulated audience in front of it, a live view, and an audit at the end."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import msgspec

from console import run_state
from console.audience import Audience, Listen, TimeLapse, event, speed_for
from console.audit import audit
from console.audit_report import AuditReport
from console.cursors import drain
from console.demo_result import Result, percentiles
from console.demo_view import Frame, Heard, View, view_for
from console.kafka_door import Delivered, Follower, Sender
from console.measures import Measures, by_day, since
from console.output import say
from console.redis_door import State
from console.site import Site, install, site
from console.sweep import sweep
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.ports import Clock

SHOW_EVERY_S = 0.25
MEASURE_EVERY_S = 1.0
WINDOW_S = 5.0
"""Rates, latency and the recent hit rate are of the last five seconds."""
SEND_AT_ONCE_MAX = 500
LAST_LISTS_S = 10.0
"""How long the last lists may take to be read after everything is applied."""
N_SHOWN = 8


class Plan(NamedTuple):
    """`seconds` 0 = until Ctrl-C; `rate` in plays per second."""

    seconds: float
    rate: float
    users: int
    seed: int
    workers: int


class ShortCause(msgspec.Struct):
    """Which event a list answers."""

    event_id: str


class ShortEntry(msgspec.Struct):
    """One recommended track."""

    track_id: str


class ShortList(msgspec.Struct):
    """The part of a recommendation that the demo reads; skipping the rest halves the cost."""

    user_id: str
    cause: ShortCause
    next: list[ShortEntry]


def run(settings: Settings, plan: Plan, clock: Clock) -> Result:
    """The whole demo; returns after every process that it started has ended.

    Raises
    ------
    Trouble : something could not be started, or broke
    """
    main_dir = Path(settings.data_dir)
    folder = main_dir / "demo"
    other = run_state.read(folder)
    if other is not None:
        raise Trouble(Exit.REFUSED, f"another demo is running from {folder} (process {other.pid})", f"kill {other.pid}")
    install()
    begun_s = time.monotonic()
    shutil.rmtree(folder / "data", ignore_errors=True)
    own = msgspec.structs.replace(settings, namespace=f"demo-{secrets.token_hex(3)}")
    with site(own, data_dir=folder, workers={"plays": plan.workers, "models": 1}) as running, _found_by_others(running, main_dir):
        try:
            running.workers.wait_ready()
            say(f"workers ready after {time.monotonic() - begun_s:.1f} s; {plan.users} people start to listen")
            return _perform(running, plan, clock, begun_s)
        finally:
            if running.how != "processes":
                running.workers.stop()
                sweep(running.settings)


def _perform(running: Site, plan: Plan, clock: Clock, begun_s: float) -> Result:
    show = Show(running, plan, clock, begun_s)
    try:
        with view_for() as view:
            show.play(view)
        show.settle()
        say("auditing: the topics are read again whole and everything is recomputed")
        report = audit(running.settings, progress=lambda _: None)
        for name, promise in report.promises.items():
            for difference in promise.differences:
                say(f"{name}: {difference}")
        say(f"audited {report.plays:,} plays, {report.lists:,} lists and {report.transitions:,} transitions in {report.seconds:g} s")
        return show.result(report)
    except KeyboardInterrupt:
        say(f"stopped after {show.n_plays:,} plays and {show.n_lists:,} lists; not audited")
        raise
    finally:
        show.close()


@contextmanager
def _found_by_others(running: Site, main_dir: Path) -> Iterator[None]:
    """Run files: one locks the demo's folder, one lets `segue recommend` and the like find this demo."""
    live = running.settings
    state = run_state.RunState(os.getpid(), "segue demo", live.namespace, live.kafka, live.redis, running.workers.metrics.get("plays", 0))
    folders = [Path(live.data_dir)] + ([main_dir] if run_state.read(main_dir) is None else [])
    for folder in folders:
        run_state.write(state, folder)
    try:
        yield
    finally:
        for folder in folders:
            run_state.remove(folder, os.getpid())


class Show:
    """Sends what the audience plays, reads the lists that come back, and keeps the figures."""

    def __init__(self, running: Site, plan: Plan, clock: Clock, begun_s: float) -> None:
        self.running, self.plan, self.clock, self.begun_s = running, plan, clock, begun_s
        self.settings = running.settings
        self.audience = Audience(plan.seed, n_users=plan.users)
        self.speed = speed_for(plan.rate, plan.seed, plan.users)
        self.sender = Sender(self.settings)
        self.follower = Follower(self.settings, f"{self.settings.namespace}.recommendations")
        self.state = State(self.settings)
        self.n_plays = self.n_lists = 0
        self.first_list_s: float | None = None
        self.measures = Measures()
        self._waiting: dict[str, float] = {}
        """event id -> when it was sent, for plays whose list has not come."""
        self._latencies: deque[tuple[float, float]] = deque(maxlen=200_000)
        self._past: deque[tuple[float, int, int, Measures]] = deque()
        self._history: list[float] = []
        self._titles: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self._watched = ""
        self._heard: deque[Heard] = deque(maxlen=N_SHOWN)
        self._decoder = msgspec.json.Decoder(ShortList)

    def close(self) -> None:
        self.sender.drop()
        self.follower.close()
        self.state.close()

    def play(self, view: View) -> None:
        """Until the time is over; wall time is counted by the monotonic clock from one look at the wall."""
        lapse = TimeLapse(self.clock.now_ms(), self.speed)
        started_s = shown_s = measured_s = time.monotonic()
        listens = self.audience.listens()
        due = next(listens)
        while not self.plan.seconds or time.monotonic() - started_s < self.plan.seconds:
            elapsed_ms = (time.monotonic() - started_s) * 1_000
            for _ in range(SEND_AT_ONCE_MAX):
                if due.ended_ms / self.speed > elapsed_ms:
                    break
                self._send(due, lapse)
                due = next(listens)
            self.sender.poll()
            self._read_lists(0.01)
            now_s = time.monotonic()
            if now_s - measured_s >= MEASURE_EVERY_S:
                measured_s = now_s
                self._measure(now_s)
                self.running.workers.check()
            if now_s - shown_s >= SHOW_EVERY_S:
                shown_s = now_s
                view.show(self._frame(now_s - started_s))

    def settle(self) -> None:
        """Until every play is acknowledged and applied, and its list read."""
        self.sender.flush()
        say(f"{self.n_plays:,} plays sent; waiting until all of them are applied")
        drain(self.state, lambda _: self._read_lists(0.0))
        deadline_s = time.monotonic() + LAST_LISTS_S
        while self._waiting and time.monotonic() < deadline_s:
            self._read_lists(0.1)
        self._measure(time.monotonic())

    def result(self, report: AuditReport) -> Result:
        """The figures of the whole run."""
        rates = self.measures.rates()
        p50, p99 = percentiles([each for _, each in self._latencies])
        return Result(
            self.n_plays,
            self.n_lists,
            self.first_list_s if self.first_list_s is not None else math.nan,
            p50,
            p99,
            rates["hr20"] or 0.0,
            rates["mrr20"] or 0.0,
            rates["popularity_hr20"] or 0.0,
            report.lost,
            report.double,
            [name for name, promise in report.promises.items() if not promise.ok],
        )

    def _send(self, listen: Listen, lapse: TimeLapse) -> None:
        body = event(listen, lapse, run=self.settings.namespace)
        event_id = body["event_id"]
        if not listen.private:
            self._waiting[event_id] = time.monotonic()
        self._titles[listen.track.track_id] = f"{listen.track.title} · {listen.track.artist}"
        self._watch(listen)
        self.sender.send(f"{self.settings.namespace}.events", listen.user_id.encode(), msgspec.json.encode(body), then=self._acknowledged)

    def _acknowledged(self, _: Delivered) -> None:
        self.n_plays += 1

    def _watch(self, listen: Listen) -> None:
        """The first to play is the one we watch."""
        self._watched = self._watched or listen.user_id
        if listen.user_id != self._watched:
            return
        known = self._lists.get(listen.user_id)
        self._heard.append(Heard(self._titles[listen.track.track_id], None if known is None else listen.track.track_id in known))

    def _read_lists(self, wait_s: float) -> None:
        for message in self.follower.take(wait_s):
            raw = message.value()
            if raw is None:
                continue
            found, now_s = self._decoder.decode(raw), time.monotonic()
            sent_s = self._waiting.pop(found.cause.event_id, None)
            if sent_s is None:
                continue
            self.n_lists += 1
            self._latencies.append((now_s, (now_s - sent_s) * 1_000))
            if self.first_list_s is None:
                self.first_list_s = now_s - self.begun_s
            if found.user_id == self._watched:
                self._lists[found.user_id] = [entry.track_id for entry in found.next]

    def _measure(self, now_s: float) -> None:
        self.measures = since(by_day(self.state, self.settings.events_partitions), "")
        self._past.append((now_s, self.n_plays, self.n_lists, self.measures))
        while len(self._past) > 1 and now_s - self._past[0][0] > WINDOW_S:
            self._past.popleft()
        recent = self._recent()
        if recent is not None:
            self._history.append(recent)

    def _recent(self) -> float | None:
        if not self._past:
            return None
        then = self._past[0][3]
        plays = self.measures.plays - then.plays
        return (self.measures.hits - then.hits) / plays if plays else None

    def _frame(self, elapsed_s: float) -> Frame:
        now_s = time.monotonic()
        at_s, plays, lists, _ = self._past[0] if self._past else (now_s - elapsed_s, 0, 0, Measures())
        window_s = max(now_s - at_s, 0.1)
        newest = takewhile(lambda each: now_s - each[0] <= WINDOW_S, reversed(self._latencies))
        p50, p99 = percentiles([latency for _, latency in newest])
        rates = self.measures.rates()
        return Frame(
            elapsed_s,
            self.plan.seconds,
            self.n_plays,
            (self.n_plays - plays) / window_s,
            self.n_lists,
            (self.n_lists - lists) / window_s,
            p50,
            p99,
            rates["hr20"],
            self._recent(),
            rates["popularity_hr20"],
            self._history,
            self._watched,
            list(self._heard),
            [self._titles.get(track, track) for track in self._lists.get(self._watched, [])[:N_SHOWN]],
        )
