"""Questions about listeners whose answer is not known yet: by time, or by the number of plays that follow.

Bounded: when as many wait as may, a question is not asked, and counted. Everything is a function of the calls and plain
data, so a restored queue gives each answer once, as the undisturbed one does.
"""

from __future__ import annotations

import heapq
from typing import Final

import msgspec

from online_models.segments.habits import AWAY_MS, DAY_MS, LAST, Play

EXPLORING, RETURNING, FINISHING = "exploring", "returning", "finishing"
"""New tracks among the next 20 plays, more than usual; a play after 8 hours and within 7 days; this play is heard out."""
TARGETS: Final = (EXPLORING, RETURNING, FINISHING)
RETURN_MS: Final = 7 * DAY_MS
EXPIRES_MS: Final = 60 * DAY_MS
"""Who does not play 20 tracks within two months is not asked further: the answer would be about another time."""
CAPACITY: Final = 1 << 15
"""Questions that may wait, by default."""
HEAP_SPARE: Final = 1_024
"""Entries of the heap beyond twice the questions: those answered by plays stay in it until it is made anew."""


class Question(msgspec.Struct):
    """One that waits."""

    target: str
    number: int
    """Of its target's questions, in order of asking."""
    user: int
    asked_ms: int
    ripe_ms: int
    """The answer is known once event time is beyond; of EXPLORING the question expires instead."""
    x: dict[str, float]
    said: dict[str, float]
    """What each model answered."""
    champion: str
    """Who served."""
    weight: float = 1.0
    """Of the lesson that it becomes."""
    seen: int = 0
    """EXPLORING: plays since; RETURNING: 1 = they came; FINISHING: 1 = heard out."""
    new: int = 0
    """EXPLORING: new tracks among those plays."""


class Waiting(msgspec.Struct):
    """The queue; `capacity` questions may wait."""

    capacity: int = CAPACITY
    by_time: list[tuple[int, int]] = []
    """A heap of (ripe_ms, serial)."""
    questions: dict[int, Question] = {}
    """serial -> question."""
    of_user: dict[int, list[int]] = {}
    """user -> serials of what their plays may answer, oldest first."""
    serial: int = 0
    n_asked: dict[str, int] = {}
    n_left_out: int = 0
    n_expired: int = 0

    def ask(
        self,
        target: str,
        user: int,
        ripe_ms: int,
        asked_ms: int,
        x: dict[str, float],
        said: dict[str, float],
        champion: str,
        weight: float = 1.0,
    ) -> Question | None:
        """Keep a question. None: there is no room."""
        if len(self.questions) >= self.capacity:
            self.n_left_out += 1
            return None
        number = self.n_asked.get(target, 0)
        self.n_asked[target] = number + 1
        question = self.questions[self.serial] = Question(target, number, user, asked_ms, ripe_ms, x, said, champion, weight)
        heapq.heappush(self.by_time, (ripe_ms, self.serial))
        if len(self.by_time) > 2 * len(self.questions) + HEAP_SPARE:
            self.by_time = sorted((waits.ripe_ms, serial) for serial, waits in self.questions.items())
        self.of_user.setdefault(user, []).append(self.serial)
        self.serial += 1
        return question

    def forget(self, user: int) -> None:
        """Their questions will never be answered."""
        for serial in list(self.of_user.get(user, ())):
            self._take(serial)

    def heard(self, play: Play, is_new: bool) -> list[Question]:
        """A play: it counts for its user's questions; returns those of EXPLORING that it completes."""
        done = []
        for serial in self.of_user.get(play.user, ()):
            question = self.questions[serial]
            since_ms = play.at_ms - question.asked_ms
            if question.target == EXPLORING and since_ms >= 0:
                question.seen += 1
                question.new += is_new
                if question.seen == LAST:
                    done.append(serial)
            elif question.target == RETURNING and AWAY_MS < since_ms <= RETURN_MS:
                question.seen = 1
        return [self._take(serial) for serial in done]

    def ripe(self, now_ms: int) -> list[Question]:
        """Take out what no play from `now_ms` on can change, in order of ripening; what expired is dropped and counted."""
        found = []
        while self.by_time and self.by_time[0][0] < now_ms:
            _, serial = heapq.heappop(self.by_time)
            if serial not in self.questions:
                continue  # answered by its user's plays before its time was over
            question = self._take(serial)
            if question.target == EXPLORING:
                self.n_expired += 1
            else:
                found.append(question)
        return found

    def _take(self, serial: int) -> Question:
        question = self.questions.pop(serial)
        own = self.of_user[question.user]
        own.remove(serial)
        if not own:
            del self.of_user[question.user]
        return question
