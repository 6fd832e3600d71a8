"""The show itself: what the audience plays goes out, lists come back, and the figures are kept."""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import msgspec

from console.audience import Audience, Listen, TimeLapse, event, speed_for
from console.audience_catalogue import Track
from console.audit_report import AuditReport
from console.cursors import drain
from console.demo_catalogue import DemoCatalogue
from console.demo_figures import Figures
from console.demo_followed import FollowedListener
from console.demo_markov import MarkovRival
from console.demo_music import Music
from console.demo_releases import Releases
from console.demo_result import Result
from console.demo_view import Frame, View
from console.kafka_door import Delivered, Follower, Sender
from console.measures import by_day, since
from console.output import say
from console.redis_door import State
from console.site import Site
from streams.ports import Clock

SHOW_EVERY_S = 0.25
MEASURE_EVERY_S = 1.0
ASK_EVERY_S = 3.0
"""The models about the followed listener: some 20 ms."""
SEND_AT_ONCE_MAX = 500
LAST_LISTS_S = 10.0
"""How long the last lists may take to be read after everything is applied."""


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


class Waiting(NamedTuple):
    """An event whose list has not come."""

    sent_s: float
    is_play: bool
    markov_hit: bool | None
    """Was the play in Markov's list? None = it begins a session, or is no play."""


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
        self.figures = Figures()
        self.rival = MarkovRival()
        self.first_list_s: float | None = None
        self.elapsed_s = 0.0
        """Since people began to listen."""
        self._waiting: dict[str, Waiting] = {}
        self._tracks: dict[str, Track] = {}
        """Everything that was played, by id."""
        self._listens = self.audience.listens()
        self._due = next(self._listens)
        # The first to play is the one we follow: they are there from the start.
        self.followed = FollowedListener(self._due.user_id, run=self.settings.namespace, seconds=plan.seconds, tracks=self._tracks)
        self.catalogue = DemoCatalogue(self.audience, plan.seed, self.sender, f"{self.settings.namespace}.tracks")
        self.releases = Releases(self.audience, self.catalogue.released)
        self.music = Music(self.state, self.followed.user_id, clock)
        self._decoder = msgspec.json.Decoder(ShortList)

    def close(self) -> None:
        self.sender.drop()
        self.follower.close()
        self.state.close()

    def play(self, view: View) -> None:
        """Until the time is over; wall time is counted by the monotonic clock from one look at the wall."""
        lapse = TimeLapse(self.clock.now_ms(), self.speed)
        started_s = shown_s = measured_s = asked_s = time.monotonic()
        while not self.plan.seconds or time.monotonic() - started_s < self.plan.seconds:
            self._send_due(lapse, time.monotonic() - started_s)
            self.catalogue.send_due(time.monotonic() - started_s)
            self.sender.poll()
            self._read_lists(0.01)
            now_s = time.monotonic()
            self.elapsed_s = now_s - started_s
            self._act(lapse, self.elapsed_s)
            if now_s - measured_s >= MEASURE_EVERY_S:
                measured_s = now_s
                self._measure(now_s)
                self.running.workers.check()
            if now_s - asked_s >= ASK_EVERY_S:
                asked_s = now_s
                self._ask(self.elapsed_s)
            if now_s - shown_s >= SHOW_EVERY_S:
                shown_s = now_s
                view.show(self._frame(now_s, started_s))

    def _ask(self, elapsed_s: float) -> None:
        """What the models say by now."""
        told = [*self.music.told(self.followed.listed()), self.releases.told(elapsed_s)]
        self.followed.music = [line for line in told if line]

    def settle(self) -> None:
        """Until every event is acknowledged and applied, and its list read."""
        self.sender.flush()
        say(f"{self.figures.n_plays:,} plays sent; waiting until all of them are applied")
        drain(self.state, lambda _: self._read_lists(0.0))
        deadline_s = time.monotonic() + LAST_LISTS_S
        while self._waiting and time.monotonic() < deadline_s:
            self._read_lists(0.1)
        self._measure(time.monotonic())
        self._ask(self.elapsed_s)
        followed, block = self.followed, self.followed.block.track
        say(f"Segue was tested on {self.figures.measures.plays:,} plays, Markov on {self.figures.markov.plays:,}")
        for line in followed.music:
            say(f"{followed.user_id}: {line}")
        say(f"{self.releases.n_shown} times a list showed somebody what came out unnoticed, {self.releases.n_played} times it was played")
        if block is not None:
            say(f"{followed.blocked_listed} of {followed.lists_since_block} lists of {followed.user_id} after the block hold {block.title}")

    def result(self, report: AuditReport) -> Result:
        """The figures of the whole run."""
        figures, followed = self.figures, self.followed
        rates, (p50, p99) = figures.in_all(), figures.latencies()
        return Result(
            plays=figures.n_plays,
            lists=figures.n_lists,
            first_list_s=self.first_list_s if self.first_list_s is not None else math.nan,
            latency_p50_ms=p50,
            latency_p99_ms=p99,
            hr20=rates.segue or 0.0,
            mrr20=figures.measures.rates()["mrr20"] or 0.0,
            markov_hr20=rates.markov or 0.0,
            popularity_hr20=rates.popularity or 0.0,
            lost=report.lost,
            double=report.double,
            broken=[name for name, promise in report.promises.items() if not promise.ok],
            skip=followed.skip.effect(followed.user_id),
            block=followed.block.effect(followed.user_id),
            blocked_listed=followed.blocked_listed,
            new_shown=self.releases.n_shown,
            new_played=self.releases.n_played,
        )

    def _send_due(self, lapse: TimeLapse, elapsed_s: float) -> None:
        for _ in range(SEND_AT_ONCE_MAX):
            if self._due.ended_ms / self.speed > elapsed_s * 1_000:
                return
            self._play(self._due, event(self._due, lapse, run=self.settings.namespace))
            self._due = next(self._listens)

    def _play(self, listen: Listen, body: dict[str, Any]) -> None:
        self._tracks[listen.track.track_id] = listen.track
        if not listen.private:
            self._waiting[body["event_id"]] = Waiting(time.monotonic(), True, self.rival.play(listen))
        self.releases.played(listen)
        if listen.user_id == self.followed.user_id:
            self.followed.sent(listen, body["event_id"])
            self.music.heard(listen)
        self._send(listen.user_id, body)

    def _act(self, lapse: TimeLapse, elapsed_s: float) -> None:
        """The followed listener's skip and block, when their time has come. Both are avoided from then on, as people do."""
        followed = self.followed
        act = followed.due_act(elapsed_s, self.audience.under_way(followed.user_id))
        if act is None or act.track is None:
            return
        act.sent_s = time.monotonic()
        self.audience.avoid(followed.user_id, act.track.track_id)
        if act is followed.skip:
            listen = followed.skip_of(act.track)
            self._play(listen, event(listen, lapse, run=self.settings.namespace) | {"event_id": act.event_id})
        else:
            self._waiting[act.event_id] = Waiting(act.sent_s, False, None)
            self._send(followed.user_id, followed.block_of(act.track))
            followed.sent_block()

    def _send(self, user_id: str, body: dict[str, Any]) -> None:
        is_play = "played_at" in body

        def acknowledged(_: Delivered) -> None:
            self.figures.n_plays += is_play

        self.sender.send(f"{self.settings.namespace}.events", user_id.encode(), msgspec.json.encode(body), then=acknowledged)

    def _read_lists(self, wait_s: float) -> None:
        for message in self.follower.take(wait_s):
            raw = message.value()
            if raw is None:
                continue
            found, now_s = self._decoder.decode(raw), time.monotonic()
            self.releases.listed(raw)
            if self.followed.is_of(message.key()):
                self.followed.read(raw, now_s)
            self._listed(found, now_s)

    def _listed(self, found: ShortList, now_s: float) -> None:
        waiting = self._waiting.pop(found.cause.event_id, None)
        if waiting is None:
            return
        self.rival.answered(found.user_id, waiting.markov_hit, len(found.next))
        if not waiting.is_play:
            return
        self.figures.listed(now_s, (now_s - waiting.sent_s) * 1_000)
        if self.first_list_s is None:
            self.first_list_s = now_s - self.begun_s

    def _measure(self, now_s: float) -> None:
        self.figures.measured(now_s, since(by_day(self.state, self.settings.events_partitions), ""), self.rival.tally)

    def _frame(self, now_s: float, started_s: float) -> Frame:
        figures = self.figures
        pace = figures.pace(now_s, started_s)
        return Frame(
            elapsed_s=now_s - started_s,
            seconds=self.plan.seconds,
            plays=figures.n_plays,
            plays_per_s=pace.plays_per_s,
            lists=figures.n_lists,
            lists_per_s=pace.lists_per_s,
            latency_p50_ms=pace.latency_p50_ms,
            latency_p99_ms=pace.latency_p99_ms,
            now=figures.now(),
            in_all=figures.in_all(),
            history=figures.history,
            followed=self.followed.view(),
        )
