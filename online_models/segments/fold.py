"""Plays in, taught models out: the segments of listeners as one pure fold.

Per play, in this order: questions that event time has answered teach; the play is asked about, before anything of it is counted
(will it be heard out?); it counts for questions that wait; it becomes part of its listener's past; and, where the caller says
so, the listener is asked about. So no question is answered with a model that knows its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np

from online_models.model import BadSnapshot
from online_models.segments.features import of_listener, of_play
from online_models.segments.habits import LAST, Habits, Play, TrackPast, hear, new_habits
from online_models.segments.model import HabitModel, PlayModel, SegmentModel
from online_models.segments.waiting import CAPACITY, EXPIRES_MS, EXPLORING, FINISHING, RETURN_MS, RETURNING, Question, Waiting


class Answered(NamedTuple):
    """A question and what came true."""

    question: Question
    y: bool


class Segment(NamedTuple):
    """What is said of a listener."""

    target: str
    probability: float
    by: str
    """Which model says so."""
    rule: list[str]
    """The tree's bounds that they fall between; empty while it has none."""


class _Meta(msgspec.Struct):
    """The snapshot's part "meta", field for field."""

    clock_ms: int
    shares: list[int]


class SegmentFold:
    """Learns from plays who explores, who comes back and who hears tracks out.

    Parameters
    ----------
    capacity: questions that may wait for their answers at once.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.models: dict[str, SegmentModel] = {EXPLORING: HabitModel(), RETURNING: HabitModel(), FINISHING: PlayModel()}
        self.waiting = Waiting(capacity=capacity)
        self.clock_ms = 0
        """The newest event time seen."""
        self._habits: dict[int, Habits] = {}
        self._tracks: dict[int, TrackPast] = {}
        self._known: set[tuple[int, int]] = set()
        self._shares = [0] * (LAST + 1)
        """How many questions of EXPLORING came to 0, 1, … new tracks: what is usual is their median."""

    def play_one(self, play: Play, *, ask: bool) -> list[Answered]:
        """Learn from a play, and `ask` about it and its listener; returns the questions that it answered.

        A play older than the newest one seen joins its listener's past at the end, and asks nothing.
        """
        late = play.at_ms < self.clock_ms
        self.clock_ms = max(self.clock_ms, play.at_ms)
        answered = [self._teach(question, question.seen == 1) for question in self.waiting.ripe(self.clock_ms)]
        habits = self._habits.setdefault(play.user, new_habits(self.clock_ms))
        track = self._tracks.setdefault(play.track, TrackPast())
        pair = (play.user, play.track)
        if ask and not late:
            self._ask_play(play, habits, track, pair in self._known)
        is_new = pair not in self._known
        for question in self.waiting.heard(play, is_new):
            answered.append(self._teach_share(question))
        self._known.add(pair)
        hear(habits, track, play, self.clock_ms, is_new)
        if ask and not late:
            self._ask_listener(play.user, habits)
        return answered

    def segments(self, user: int, now_ms: int) -> list[Segment]:
        """What is said of a listener at `now_ms`; nothing of who never played. A read."""
        habits = self._habits.get(user)
        if habits is None:
            return []
        x = of_listener(habits, now_ms)
        models = {target: self.models[target] for target in (EXPLORING, RETURNING)}
        return [Segment(target, model.predict_one(x), model.champion, model.rule(x)) for target, model in models.items()]

    def _ask_play(self, play: Play, habits: Habits, track: TrackPast, known: bool) -> None:
        """Its answer is in the play itself, and is known when it is over."""
        if play.finished is None:
            return
        x = of_play(habits, track, play.length_s, known, self.clock_ms)
        over_ms = self.clock_ms + int(1_000 * (play.seconds or 0.0))
        self._ask(FINISHING, play.user, over_ms, x)
        question = self.waiting.questions.get(self.waiting.serial - 1)
        if question is not None and question.target == FINISHING:
            question.seen = int(play.finished)

    def _ask_listener(self, user: int, habits: Habits) -> None:
        x = of_listener(habits, self.clock_ms)
        self._ask(EXPLORING, user, self.clock_ms + EXPIRES_MS, x)
        self._ask(RETURNING, user, self.clock_ms + RETURN_MS, x)

    def _ask(self, target: str, user: int, ripe_ms: int, x: dict[str, float]) -> None:
        model = self.models[target]
        self.waiting.ask(target, user, ripe_ms, self.clock_ms, x, model.say(x), model.champion)

    def _teach(self, question: Question, y: bool) -> Answered:
        self.models[question.target].learn_one(question.x, y)
        return Answered(question, y)

    def _teach_share(self, question: Question) -> Answered:
        """More new tracks than usual? What is usual is the median of those answered before."""
        y = question.new > self.usual_new
        self._shares[question.new] += 1
        return self._teach(question, y)

    @property
    def usual_new(self) -> float:
        """Median of new tracks among 20 plays; 0 before the first answer."""
        return float(np.searchsorted(np.cumsum(self._shares), sum(self._shares) / 2.0))

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        encode = msgspec.json.encode
        known = np.array(sorted(self._known), "<i8").reshape(-1, 2)
        parts = {
            "meta": encode(_Meta(self.clock_ms, self._shares)),
            "habits": encode(sorted(self._habits.items())),
            "tracks": encode(sorted(self._tracks.items())),
            "known": known.tobytes(),
            "waiting": encode(_in_order(self.waiting)),
        }
        for target, model in self.models.items():
            parts |= {f"{target}/{name}": part for name, part in model.snapshot().items()}
        return parts

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The fold that made `parts`: it goes on bit-equally. Raises `BadSnapshot` when they do not fit together."""
        fold = cls()
        try:
            meta = _read(parts, "meta", _Meta)
            fold._habits = dict(_read(parts, "habits", list[tuple[int, Habits]]))
            fold._tracks = dict(_read(parts, "tracks", list[tuple[int, TrackPast]]))
            fold._known = {(user, track) for user, track in np.frombuffer(parts["known"], "<i8").reshape(-1, 2).tolist()}
            fold.waiting = _read(parts, "waiting", Waiting)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        fold.clock_ms, fold._shares = meta.clock_ms, meta.shares
        for target, model in fold.models.items():
            own = {name.removeprefix(f"{target}/"): part for name, part in parts.items() if name.startswith(f"{target}/")}
            fold.models[target] = type(model).restore(own)
        return fold


def _in_order(waiting: Waiting) -> Waiting:
    """The same queue, written in one order: a heap may lie in several, and a dict remembers in which order it was filled."""
    return msgspec.structs.replace(
        waiting,
        by_time=sorted(waiting.by_time),
        questions=dict(sorted(waiting.questions.items())),
        of_user=dict(sorted(waiting.of_user.items())),
    )


def _read(parts: Mapping[str, bytes], name: str, kind: Any) -> Any:
    return msgspec.json.decode(parts[name], type=kind)
