"""Plays in, taught models out: the segments of listeners as one pure fold.

Per play, in this order: questions that event time has answered teach; the play is asked about, before anything of it is counted
(will it be heard out?); it counts for questions that wait; it becomes part of its listener's past; and, where the caller says
so, the listener is asked about. So no question is answered with a model that knows its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import msgspec
import numpy as np

from online_models.model import BadSnapshot
from online_models.parts import under
from online_models.segments.features import of_listener, of_play
from online_models.segments.habits import LAST, Habits, Play, hear, new_habits
from online_models.segments.kinds import Kinds
from online_models.segments.model import HabitModel, PlayModel, SegmentModel
from online_models.segments.waiting import CAPACITY, EXPIRES_MS, EXPLORING, FINISHING, RETURN_MS, RETURNING, Question, Waiting
from online_models.segments.waiting_codec import decode_waiting, encode_waiting


class Answered(NamedTuple):
    """A question and what came true."""

    question: Question
    y: bool


class Minds:
    """What all folds teach together."""

    def __init__(self) -> None:
        self.models: dict[str, SegmentModel] = {EXPLORING: HabitModel(), RETURNING: HabitModel(), FINISHING: PlayModel()}
        self.kinds = Kinds()
        self.shares = [0] * (LAST + 1)
        """How many questions of EXPLORING came to 0, 1, … new tracks: what is usual is their median."""

    @property
    def usual_new(self) -> float:
        """Median of new tracks among 20 plays; 0 before the first answer."""
        return float(np.searchsorted(np.cumsum(self.shares), sum(self.shares) / 2.0))

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays."""
        parts = {"shares": msgspec.json.encode(self.shares)}
        for target, model in self.models.items():
            parts |= {f"{target}/{name}": part for name, part in model.snapshot().items()}
        return parts | {f"kinds/{name}": part for name, part in self.kinds.snapshot().items()}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """Raises `BadSnapshot`."""
        minds = cls()
        try:
            minds.shares = msgspec.json.decode(parts["shares"], type=list[int])
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"no shares: {error!r}") from error
        if len(minds.shares) != LAST + 1:
            raise BadSnapshot(f"{len(minds.shares)} shares, {LAST + 1} are expected")
        for target, model in minds.models.items():
            minds.models[target] = type(model).restore(under(f"{target}/", parts))
        minds.kinds = Kinds.restore(under("kinds/", parts))
        return minds


class SegmentFold:
    """Learns from one stream of plays who explores, who comes back and who hears tracks out.

    Parameters
    ----------
    capacity: questions that may wait for their answers at once.
    minds: when several folds teach them.
    """

    def __init__(self, capacity: int = CAPACITY, minds: Minds | None = None) -> None:
        self.minds = minds or Minds()
        self.waiting = Waiting(capacity=capacity)
        self.clock_ms = 0
        """The newest event time seen."""
        self._habits: dict[int, Habits] = {}

    @property
    def models(self) -> dict[str, SegmentModel]:
        """One per target."""
        return self.minds.models

    def play_one(self, play: Play, *, ask_play: bool, ask_listener: bool, weight: float = 1.0) -> list[Answered]:
        """Learn from a play, and ask about it and about its listener; returns the questions that it answered.

        A play older than its user's last one joins their past at the end, and asks nothing. `weight` is that of the lessons that the
        questions become.
        """
        self.clock_ms = max(self.clock_ms, play.at_ms)
        answered = [self._teach(question, question.seen == 1) for question in self.waiting.ripe(self.clock_ms)]
        habits = self._habits.get(play.user)
        if habits is None:
            habits = self._habits[play.user] = new_habits(play.at_ms)
        # Not the clock: users' plays come when they end, so that those of two users seldom come in the order of their beginnings.
        now_ms = max(play.at_ms, habits.last_ms)
        in_time = now_ms == play.at_ms
        if ask_play and in_time:
            self._ask_play(play, habits, weight)
        answered += [self._teach_share(question) for question in self.waiting.heard(play, play.is_new)]
        hear(habits, play, now_ms)
        if ask_listener and in_time:
            self._ask_listener(play.user, habits, now_ms, weight)
        return answered

    def habits(self, user: int) -> Habits | None:
        """What is known of a listener."""
        return self._habits.get(user)

    def forget(self, user: int) -> None:
        """As if the user had never played; what their plays taught stays."""
        self._habits.pop(user, None)
        self.waiting.forget(user)

    def _ask_play(self, play: Play, habits: Habits, weight: float) -> None:
        """Its answer is in the play itself, and is known when it is over."""
        if play.finished is None:
            return
        over_ms = play.at_ms + int(1_000 * (play.seconds or 0.0))
        question = self._ask(FINISHING, play.user, over_ms, play.at_ms, of_play(habits, play, play.at_ms), weight)
        if question is not None:
            question.seen = int(play.finished)

    def _ask_listener(self, user: int, habits: Habits, now_ms: int, weight: float) -> None:
        x = of_listener(habits, now_ms)
        self.minds.kinds.learn_one(x)
        self._ask(EXPLORING, user, now_ms + EXPIRES_MS, now_ms, x, weight)
        self._ask(RETURNING, user, now_ms + RETURN_MS, now_ms, x, weight)

    def _ask(self, target: str, user: int, ripe_ms: int, now_ms: int, x: dict[str, float], weight: float) -> Question | None:
        model = self.models[target]
        return self.waiting.ask(target, user, ripe_ms, now_ms, x, model.say(x), model.champion, weight)

    def _teach(self, question: Question, y: bool) -> Answered:
        self.models[question.target].learn_one(question.x, y, question.weight)
        return Answered(question, y)

    def _teach_share(self, question: Question) -> Answered:
        """More new tracks than usual? What is usual is the median of those answered before."""
        y = question.new > self.usual_new
        self.minds.shares[question.new] += 1
        return self._teach(question, y)

    @property
    def usual_new(self) -> float:
        """Median of new tracks among 20 plays; 0 before the first answer."""
        return self.minds.usual_new

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        return self.people() | self.minds.snapshot()

    def people(self) -> dict[str, bytes]:
        """The snapshot without what was taught."""
        encode = msgspec.json.encode
        return {"clock": encode([self.clock_ms]), "habits": encode(list(self._habits.items())), **encode_waiting(self.waiting)}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes], minds: Minds | None = None) -> Self:
        """The fold that made `parts`: it goes on bit-equally. Raises `BadSnapshot` when they do not fit together.

        `minds`: those of several folds; None = they are among the parts.
        """
        fold = cls(minds=minds or Minds.restore(parts))
        try:
            (fold.clock_ms,) = msgspec.json.decode(parts["clock"], type=list[int])
            fold._habits = dict(msgspec.json.decode(parts["habits"], type=list[tuple[int, Habits]]))
            fold.waiting = decode_waiting(parts)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return fold
