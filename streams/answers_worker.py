"""The role `answers`: lists that are asked for by an event, made beside the plays workers, so that none of theirs waits.

Order of a question, and the promise: wait until the plays worker's cursor is beyond it, so that everything before it is in
the store; make the answer; publish it and wait for the acknowledgement; move the cursor by a fenced apply. So a question is
answered at least once, always under one id, and a crash between two steps repeats what the cursor does not know. The answer
that is sent again may hold other tracks, for others went on playing.

Records that ask nothing move the cursor in memory only, and every `WATCH_S` in the store: after a crash some are passed over again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Final

import msgspec
import structlog

from infra.fenced import FencedCall
from infra.keys import Keys
from infra.settings import Settings
from streams import cloudevents
from streams.answering import Answerer
from streams.claims import Claims
from streams.contract import Answer
from streams.fail_points import FailPoints
from streams.holding import Held, Holder
from streams.observe_answers import AnswersObserver, SilentAnswers
from streams.ports import TP, Clock, Outbox, Outgoing, Record, Store
from streams.questions import Question, questions

log = structlog.get_logger("segue.answers")

LOOK_FIRST_S: Final = 0.004
"""How soon the plays worker's cursor is looked at again; it is some 30 ms behind the log."""
LOOK_MAX_S: Final = 0.25
"""Doubling up to it: a plays worker that is away or far behind is not asked all the time."""
_json = msgspec.json.Encoder().encode


class HeldQuestions(Held):
    """One partition of `events` in our hands.

    Attributes
    ----------
    stored: `next` in the store; `position` may stand behind records that ask nothing.
    answered, failed: questions done with, in all and those with an error, as they are in the store.
    """

    def __init__(self, tp: TP, cursor: str, token: str, fields: Mapping[str, bytes], position: int) -> None:
        super().__init__(tp, position)
        self._cursor, self.token = cursor, token
        self.incarnation, self.stored = fields["incarnation"].decode(), int(fields["next"])
        self.answered, self.failed = int(fields.get("applied", b"0")), int(fields.get("failed", b"0"))

    @property
    def cursor(self) -> str:
        return self._cursor

    @property
    def stands(self) -> tuple[str, int]:
        return self.token, self.stored


class Answers(Holder[HeldQuestions]):
    """Owner of partitions of `events`, beside the plays workers and in a group of its own.

    Parameters
    ----------
    clock: judges how old a question is, and stamps answers.
    fresh_token: makes the random token of a claim, 16 hex digits.
    on_crash: told of an exception in the background; it must end the process.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        *,
        fresh_token: Callable[[], str] = lambda: token_hex(8),
        observe: AnswersObserver | None = None,
        fail_points: FailPoints | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(store, on_crash)
        self._settings, self._outbox = settings, outbox
        self._keys = Keys(settings.namespace)
        erasures = f"{settings.namespace}.internal.erasures"
        self._answerer = Answerer(settings, store, clock, lambda: self.group.read_all(erasures))
        self._fresh_token = fresh_token
        self._observe = observe or SilentAnswers()
        self._fail = fail_points or FailPoints("")
        self._one = asyncio.Lock()
        """One answer is made at a time: each holds rows of some thousand tracks."""

    # --- ownership -------------------------------------------------------------------------------

    async def _take_over(self, tp: TP) -> HeldQuestions:
        """The partition as the store has it. Raises `Gap`, `NeedsRebuild`."""
        cursor, pending = self._keys.answers_cursor(tp.partition), self._keys.answers_pending(tp.partition)
        claims = Claims(self._settings, self._store, self.group, self._fresh_token)
        token, claimed = await claims.claim(cursor, pending, *tp, f"q{tp.partition}")
        self._observe.claimed()
        first, _ = (await self.group.bounds({tp}))[tp]
        return HeldQuestions(tp, cursor, token, claimed.fields, max(int(claimed.fields["next"]), first))

    async def _let_go(self, held: HeldQuestions) -> None:
        """The next owner need not pass over again what we have."""
        await self._note(held)

    async def _look(self, n: int) -> None:
        """Note how far idle partitions are."""
        for held in list(self.held.values()):
            if not held.lock.locked():
                async with held.lock:
                    await self._note(held)

    def _was_fenced(self, held: HeldQuestions) -> None:
        self._observe.fenced()

    # --- records ---------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> None:
        """Answer every question of the partitions we hold; returns when that is done.

        Partitions go on beside each other: one whose plays worker is away keeps only its own questions waiting, until the next fetch.
        Raises what a claim in the background died of.
        """
        self.raise_failure()
        await asyncio.gather(*(self._read(held, records) for held, records in self._ours(topic, chunks)))

    async def _read(self, held: HeldQuestions, records: Sequence[Record]) -> None:
        async with held.lock:
            fresh = [record for record in records if record.offset >= held.position]
            n_answered = held.answered
            for question in questions(fresh, held.tp.partition, self._settings.events_partitions):
                if not await self._answer(held, question):
                    return
            if fresh:
                held.position = fresh[-1].offset + 1
                self._observe.passed(len(fresh) - (held.answered - n_answered))

    async def _answer(self, held: HeldQuestions, question: Question) -> bool:
        """One question; False when the partition is no longer ours."""
        if not await self._is_applied(held, question.offset):
            return False
        began_s = asyncio.get_running_loop().time()
        async with self._one:
            answer = await self._answerer.answer(question, held.incarnation)
        took_s = asyncio.get_running_loop().time() - began_s
        if held.leaving.is_set():
            return False
        if answer is not None:
            await self._outbox.publish([self._record(answer)])
            self._fail.hit("answered-not-noted")
        held.answered += 1
        held.failed += answer is not None and answer.error is not None
        held.position = question.offset + 1
        if not await self._note(held):
            return False
        self._observe.answered(answer, took_s)
        return True

    async def _is_applied(self, held: HeldQuestions, offset: int) -> bool:
        """Wait until the plays worker has applied the event at `offset`; False = the partition is no longer ours.

        Without end: an answer ahead of it would know less than the one who asks, and could tell of somebody who is erased further on.
        """
        cursor, pause_s = self._keys.user_cursor(held.tp.partition), LOOK_FIRST_S
        while not held.leaving.is_set():
            incarnation, next_ = (await self._store.read_many([(cursor, ("incarnation", "next"))]))[0]
            if incarnation is not None and incarnation.decode() != held.incarnation:
                self._give_up(held, f"the plays worker is in incarnation {incarnation.decode()}, ours is {held.incarnation}")
                return False
            if next_ is not None and int(next_) > offset:
                return True
            await _either(held.leaving, pause_s)
            pause_s = min(2 * pause_s, LOOK_MAX_S)
        return False

    async def _note(self, held: HeldQuestions) -> bool:
        """Move the cursor to where we are; False when it was refused."""
        if held.position == held.stored:
            return True
        call = FencedCall(
            cursor=held.cursor,
            pending_key=self._keys.answers_pending(held.tp.partition),
            token=held.token,
            incarnation=held.incarnation,
            start=held.stored,
            end=held.position,
            cursor_fields={"applied": held.answered, "failed": held.failed},
            pending=b"",
        )
        if not await self._applied(held, call):
            return False
        held.stored = held.position
        return True

    def _record(self, answer: Answer) -> Outgoing:
        headers = cloudevents.headers(cloudevents.ANSWER, answer.answer_id, cloudevents.ANSWERS_SOURCE, answer.at)
        return Outgoing(f"{self._settings.namespace}.answers", answer.cause.partition, answer.user_id.encode(), _json(answer), headers)


async def _either(leaving: asyncio.Event, pause_s: float) -> None:
    """Returns when the partition is taken away, or after the pause."""
    try:
        async with asyncio.timeout(pause_s):
            await leaving.wait()
    except TimeoutError:
        return
