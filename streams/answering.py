"""A question and its answer: the radio that `segue radio` would make of the state as it stands, as one message.

Rows are read as they are in the store. The user's own are as new as the question, for the caller waits for the plays worker; tracks'
rows are up to 5 s old, as in every list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import numpy as np
import structlog

from infra.keys import Keys
from infra.settings import Settings
from online_models.plays import RANKER
from online_models.weights import BadWeights
from streams.artist_names import ArtistIndex, ArtistNames
from streams.contract import Answer, AnswerError, Cause, MadeBy, RadioSeed, Step, Unanswered
from streams.erasures import Erasures
from streams.lives import is_of_this_life
from streams.ports import Clock, Store
from streams.questions import Question
from streams.radio import Chosen, Radio, Seed, seed_of, seed_of_user
from streams.radio_rules import SEEDS_MAX, Rules
from streams.small_ranking import SmallRanking
from streams.user_rows import BadRow

log = structlog.get_logger("segue.answers")

STALE_MS: Final = 300_000
"""Nobody waits for so old a question: it is answered with `stale`, so that a backlog costs no rankings."""
_STALE: Final = f"nobody answered within {STALE_MS // 60_000} minutes"
_ALONE: Final = "nothing leads on from {!r}: no other track was played near"


class NoAnswer(Exception):
    """There is no sequence; the message is for people."""

    def __init__(self, reason: Unanswered, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class Answerer:
    """Answers questions one after the other.

    Parameters
    ----------
    clock: judges a question's age and stamps answers.
    erasures: reads all that is on the topic of erasures.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock, erasures: Callable[[], Awaitable[Iterable[bytes | None]]]) -> None:
        self._settings, self._store, self._clock, self._erasures = settings, store, clock, erasures
        self._keys = Keys(settings.namespace)
        self._index = ArtistIndex(settings, store)

    async def answer(self, question: Question, incarnation: str) -> Answer | None:
        """The answer; None where the user was erased, behind the question or (in a replay) further on in the log."""
        radio = question.radio
        row, about = (await self._store.read_many([(self._keys.user(question.partition, radio.user_id), ("row", "about"))]))[0]
        if row is None or not about:
            return None
        try:
            if await self._was_erased(question, row):
                return None
            if self._clock.now_ms() - question.appended_ms > STALE_MS:
                raise NoAnswer(Unanswered.STALE, _STALE)
            seeds, steps = await self._radio(question, row)
        except NoAnswer as no:
            return self._made(question, incarnation, [], [], AnswerError(reason=no.reason, message=no.message))
        except (BadRow, BadWeights) as error:
            # To die of it would keep every question of the partition waiting behind this one.
            log.error("state unreadable", user=radio.user_id, why=str(error))
            return self._made(question, incarnation, [], [], AnswerError(reason=Unanswered.STATE, message=str(error)))
        return self._made(question, incarnation, seeds, steps, None)

    async def _was_erased(self, question: Question, row: bytes) -> bool:
        """Was the user erased behind the question? Who came back since has a row, and it is another life's."""
        user, partition = question.radio.user_id, question.partition
        known = is_of_this_life(row, user, partition, question.radio.event_id)
        if known is not None:
            return not known
        found = Erasures(self._settings.namespace, self._settings.id_key.encode())
        found.learn(await self._erasures())
        return found.is_hidden(user, partition, question.offset)

    async def _radio(self, question: Question, row: bytes) -> tuple[list[str], list[Step]]:
        """Tracks of the artist that it begins with, and the sequence. Raises NoAnswer."""
        radio = question.radio
        seeds = await self._seeds(question)
        world = SmallRanking(self._settings, self._store)
        await world.open(radio.user_id, question.partition, row)
        seed = await self._seed(world, seeds)
        if seed.direction is None:
            raise NoAnswer(Unanswered.NO_COMPANY, _ALONE.format(radio.artist or radio.track_id or radio.user_id))
        made = Radio(world, seed, Rules(radio.n, radio.spacing, radio.drift), ArtistNames(self._settings, self._store))
        steps = [_step(world, one) for one in await made.play()]
        return (seeds if radio.artist is not None else []), steps

    async def _seeds(self, question: Question) -> list[str]:
        """Tracks to start from, the weightiest last; [] = the session goes on."""
        radio = question.radio
        if radio.track_id is not None:
            return [radio.track_id]
        if radio.artist is None:
            return []
        tracks = await self._index.most_played(radio.artist, SEEDS_MAX)
        if tracks is None:
            raise NoAnswer(Unanswered.UNKNOWN_ARTIST, f"the imported catalogue has no artist {radio.artist!r}")
        if not tracks:
            raise NoAnswer(Unanswered.NO_COMPANY, f"nobody played any track of {radio.artist!r}")
        return tracks[::-1]

    async def _seed(self, world: SmallRanking, seeds: list[str]) -> Seed:
        if not seeds:
            return seed_of_user(world)
        hashes = world.names.hashes(seeds)
        seed = await seed_of(world, hashes)
        if world.tracks.slots(np.array(hashes, np.int64)).max() < 0:
            raise NoAnswer(Unanswered.UNKNOWN_TRACK, f"nobody played {seeds[-1]!r}")
        return seed

    def _made(self, question: Question, incarnation: str, seeds: list[str], steps: list[Step], error: AnswerError | None) -> Answer:
        radio = question.radio
        return Answer(
            answer_id=answer_id(incarnation, question.partition, question.offset),
            user_id=radio.user_id,
            at=self._clock.now_ms(),
            cause=Cause(event_id=radio.event_id, partition=question.partition, offset=question.offset),
            asked="radio",
            seed=RadioSeed(track_id=radio.track_id, artist=radio.artist, tracks=seeds),
            entries=steps,
            error=error,
            model=MadeBy(ranker=f"{RANKER}/{self._settings.preset}"),
        )


def answer_id(incarnation: str, partition: int, offset: int) -> str:
    """The same after a crash, and another in another life of the namespace.

    >>> answer_id("a1b2c3d4", 3, 1207)
    'radio-a1b2-3-1207'
    """
    return f"radio-{incarnation[:4]}-{partition}-{offset}"


def _step(world: SmallRanking, one: Chosen) -> Step:
    return Step(
        track_id=world.names.id(one.track) or "",
        score=one.chance,
        source=one.source,
        because=[name for track in one.because if (name := world.names.id(track)) is not None],
        near=one.near,
        far=one.far,
    )
