"""Every question is answered at least once and under one id, after what was before it, and nobody who is erased is told of."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import pytest

from infra.keys import Keys
from infra.memory_store import MemoryRedis, MemoryStore, Moment, ReplyLost
from streams.answering import STALE_MS
from streams.answers_worker import Answers
from streams.contract import Answer, Unanswered
from streams.memory_outbox import MemoryOutbox
from streams.partitioner import partition_of
from streams.ports import TP, Outgoing, Record
from streams.questions import may_ask
from tests.events_log import APPENDED_MS, Appended
from tests.recorded_log import SETTINGS, RecordedLog, audience_log
from tests.state_in_memory import put_catalogue

KEYS = Keys(SETTINGS.namespace)
EVENTS = f"{SETTINGS.namespace}.events"
TOKENS = itertools.count(0x5E60E00000000001)
N_PLAYS, N_USERS = 600, 8
_decode = msgspec.json.Decoder(Answer).decode


class Crash(BaseException):
    """The process ends here."""


class Group:
    """The transport as the worker sees it; `end` of every log is far away."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        self._plays = outbox
        self.n_read = 0

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 1_000_000))

    async def confirmed_member(self) -> None:
        return

    async def reposition(self, tp: TP, offset: int) -> bool:
        return True

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("nothing is read again")

    async def read_all(self, topic: str) -> list[bytes | None]:
        self.n_read += 1
        return [out.value for out in self._plays.log.get((topic, 0), [])]

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        return


class Now:
    def __init__(self, at_ms: int = APPENDED_MS) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class Role:
    """An answers worker beside a plays worker: the same Redis, the same log."""

    def __init__(
        self,
        world: RecordedLog,
        outbox: MemoryOutbox | None = None,
        hook: Callable[[Moment], None] | None = None,
        clock: Now | None = None,
    ) -> None:
        self.world, self.outbox = world, outbox or MemoryOutbox()
        store = MemoryStore(world.store.redis, hook=hook)
        token = lambda: f"{next(TOKENS):016x}"  # noqa: E731
        self.worker = Answers(SETTINGS, store, self.outbox, clock or Now(), fresh_token=token)
        self.group = Group(world.outbox)
        self.worker.attach(self.group)

    async def read(self, chunk: int = 50) -> None:
        """Claim all, read each log to its end, note how far it came, and end."""
        try:
            found = await self.worker.claim({TP(EVENTS, p) for p in range(SETTINGS.events_partitions)})
            for tp, start in found.items():
                records = [record for record in self.world.log[tp.partition] if record.offset >= start]
                for at in range(0, len(records), chunk):
                    await self.worker.receive(EVENTS, {tp.partition: records[at : at + chunk]})
            await self.worker.revoked(set(found))
        finally:
            await self.worker.close()

    @property
    def answers(self) -> list[Answer]:
        return [_decode(record.value or b"") for record in self.records]

    @property
    def records(self) -> list[Outgoing]:
        logs = self.outbox.log
        return [r for p in range(SETTINGS.events_partitions) for r in logs.get((f"{SETTINGS.namespace}.answers", p), [])]


async def recorded() -> RecordedLog:
    return await RecordedLog(audience_log(N_PLAYS, N_USERS)).run()


def asked(user: str, number: int, **fields: object) -> dict[str, object]:
    return {"type": "radio", "event_id": f"q{number}", "user_id": user, "n": 5, **fields}


def ids(answer: Answer) -> list[str]:
    return [step.track_id for step in answer.entries]


def cursor(redis: MemoryRedis, p: int) -> dict[str, bytes]:
    return {name: value for name, value in redis.hash(KEYS.answers_cursor(p)).items() if name not in ("token", "claims")}


async def test_a_question_is_answered_from_the_track_the_artist_or_the_session() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    artist_of = {str(event["track_id"]): str(event["artist"]) for event in world.events}
    track = str(world.of_user()[user][-1]["track_id"])
    put_catalogue(world.store.redis, SETTINGS, [{"track_id": name, "artist": artist} for name, artist in artist_of.items()])
    await world.play(asked(user, 1, track_id=track), asked(user, 2, artist=artist_of[track].upper()), asked(user, 3))
    role = Role(world)
    await role.read()
    by_track, by_artist, by_user = role.answers
    p = partition_of(user.encode(), SETTINGS.events_partitions)
    for n, answer in enumerate(role.answers, 1):
        offset = len(world.log[p]) - 4 + n
        assert answer.answer_id == f"radio-{world.cursor(p)['incarnation'].decode()[:4]}-{p}-{offset}"
        assert (answer.user_id, answer.cause.event_id, answer.cause.offset, answer.error) == (user, f"q{n}", offset, None)
        assert len(answer.entries) == 5 == len(set(ids(answer))) and track not in ids(answer)
        makers = [artist_of[name] for name in ids(answer)]
        assert len(set(makers)) == 5, "no artist twice within five"
        assert all(-1 <= step.near <= 1 and step.source for step in answer.entries)
    assert by_track.seed.track_id == track
    assert by_artist.seed.tracks and {artist_of[name] for name in by_artist.seed.tracks} == {artist_of[track]}
    assert by_user.seed == msgspec.convert({}, type(by_user.seed))
    told = dict(role.records[0].pairs())
    assert (role.records[0].key, told["ce_type"], told["ce_id"]) == (user.encode(), b"segue.answer.v1", by_track.answer_id.encode())
    assert world.count("applied") == sum(not e.get("private") for e in world.events) + 3
    await world.worker.close()


async def test_what_the_asker_blocked_or_just_heard_is_in_no_radio() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    played = world.of_user()[user]
    seed = next(str(event["track_id"]) for event in reversed(world.events) if event["user_id"] != user)
    await world.play(asked(user, 1, track_id=seed), asked(user, 2))
    role = Role(world)
    await role.read()
    blocked = {ids(answer)[0] for answer in role.answers}
    blocks = [{"type": "block", "event_id": f"b{name}", "user_id": user, "track_id": name} for name in sorted(blocked)]
    await world.play(*blocks, asked(user, 3, track_id=seed), asked(user, 4))
    again = Role(world)
    await again.read()
    heard = {str(event["track_id"]) for event in played if event["session_id"] == played[-1]["session_id"]}
    assert len(again.answers) == 2
    for answer in again.answers:
        assert len(answer.entries) == 5 and not set(ids(answer)) & (blocked | heard)
    await world.worker.close()


async def test_a_stranger_gets_from_a_track_what_the_command_gives() -> None:
    world = await recorded()
    track = str(world.events[-1]["track_id"])
    await world.play(asked("new here", 1, track_id=track, n=20))
    role = Role(world)
    await role.read()
    from console.artists import Artists, ReadBefore
    from streams.radio import Radio, seed_of
    from streams.radio_rules import Rules
    from streams.small_ranking import SmallRanking

    small = SmallRanking(SETTINGS, world.store)
    await small.open("", 0, None)
    chosen = await Radio(small, await seed_of(small, [small.names.hash(track)]), Rules(20), ReadBefore(Artists({}))).play()
    assert ids(role.answers[0]) == [small.names.id(one.track) for one in chosen]
    await world.worker.close()


async def test_what_cannot_be_answered_says_why() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    put_catalogue(world.store.redis, SETTINGS, [{"track_id": "unheard", "artist": "Silent"}])
    await world.play(
        asked(user, 1, track_id="nobody knows it"), asked(user, 2, artist="Nobody"), asked(user, 3, artist="Silent"), asked("newcomer", 4)
    )
    role = Role(world)
    await role.read()
    reasons = {answer.cause.event_id: answer.error.reason for answer in role.answers if answer.error and not answer.entries}
    assert reasons == {
        "q1": Unanswered.UNKNOWN_TRACK,
        "q2": Unanswered.UNKNOWN_ARTIST,
        "q3": Unanswered.NO_COMPANY,
        "q4": Unanswered.NO_COMPANY,
    }
    told = [cursor(world.store.redis, p) for p in range(SETTINGS.events_partitions)]
    assert [sum(int(each[name]) for each in told) for name in ("applied", "failed")] == [4, 4]
    await world.worker.close()


async def test_a_row_that_cannot_be_read_keeps_no_other_question_waiting() -> None:
    world = await recorded()
    first, second = sorted(world.of_user())[:2]
    await world.play(asked(first, 1), asked(second, 2))
    key = KEYS.user(partition_of(first.encode(), SETTINGS.events_partitions), first)
    world.store.redis.write({key: {**world.user(first), "row": b"\xff" + world.user(first)["row"][1:]}})
    role = Role(world)
    await role.read()
    found = {answer.user_id: answer.error.reason if answer.error else "" for answer in role.answers}
    assert found == {first: Unanswered.STATE, second: ""}
    await world.worker.close()


async def test_an_old_question_is_told_that_it_is_and_costs_no_ranking() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    await world.play(asked(user, 1))
    for late_ms, reason in ((STALE_MS, None), (STALE_MS + 1, Unanswered.STALE)):
        world.store.redis.write({KEYS.answers_cursor(p): None for p in range(SETTINGS.events_partitions)})
        world.store.redis.write({KEYS.meta(): {n: v for n, v in world.store.redis.hash(KEYS.meta()).items() if "started:q" not in n}})
        role = Role(world, clock=Now(APPENDED_MS + late_ms))
        await role.read()
        (answer,) = role.answers
        assert (answer.error.reason if answer.error else None) == reason and bool(answer.entries) == (reason is None)
    await world.worker.close()


async def test_somebody_who_was_erased_gets_nothing() -> None:
    world = await recorded()
    gone, back, stays = sorted(world.of_user())[:3]
    await world.play(asked(gone, 1), asked(stays, 2), {"type": "erase", "event_id": "x", "user_id": gone})
    role = Role(world)
    await role.read()
    assert [answer.user_id for answer in role.answers] == [stays] and not role.group.n_read
    # A rebuild that has not come to the erasure yet: the row is there, and hidden.
    row = world.user(back)
    key = KEYS.user(partition_of(back.encode(), SETTINGS.events_partitions), back)
    await world.play(asked(back, 3))
    world.store.redis.write({key: {**row, "about": b"", "list": b""}})
    again = Role(world)
    await again.read()
    assert not again.answers
    await world.worker.close()


@pytest.mark.parametrize("n_since", [1, 40])
async def test_who_comes_back_is_not_told_what_the_erased_one_asked(n_since: int) -> None:
    world = await recorded()
    user, other = sorted(world.of_user())[:2]
    await world.play(asked(user, 1), asked(other, 2), {"type": "erase", "event_id": "x", "user_id": user})
    back = [
        {"event_id": f"n{n}", "user_id": who, "track_id": "t", "played_at": APPENDED_MS - 1}
        for n in range(n_since)
        for who in (user, other)
    ]
    await world.play(*back)
    await world.play(asked(user, 3))
    role = Role(world)
    await role.read()
    assert sorted(answer.cause.event_id for answer in role.answers) == ["q2", "q3"]
    assert role.group.n_read == (0 if n_since == 1 else 2), "the topic of erasures is asked where the row no longer knows"
    await world.worker.close()


async def test_a_question_waits_for_what_is_before_it_and_a_revocation_ends_the_wait() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    p = partition_of(user.encode(), SETTINGS.events_partitions)
    new = {
        "event_id": "p1",
        "user_id": user,
        "track_id": "brand new",
        "played_at": APPENDED_MS - 1,
        "session_id": "now",
        "ms_played": 90_000,
    }
    records = world.append(
        new, {**new, "event_id": "p2", "track_id": str(world.events[0]["track_id"])}, asked(user, 1, track_id="brand new")
    )
    role = Role(world)
    start = (await role.worker.claim({TP(EVENTS, p)}))[TP(EVENTS, p)]
    reading = asyncio.ensure_future(role.worker.receive(EVENTS, {p: world.log[p][start:]}))
    await asyncio.sleep(0.05)
    assert not reading.done() and not role.answers, "the plays worker has not applied the plays before it"
    await world.handle(records)
    await world.worker.settle()
    await asyncio.wait_for(reading, 30)
    assert [answer.error for answer in role.answers] == [None], "its own play made the track known"
    world.append(asked(user, 2))
    reading = asyncio.ensure_future(role.worker.receive(EVENTS, {p: world.log[p][-1:]}))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(role.worker.revoked({TP(EVENTS, p)}), 5)
    await asyncio.wait_for(reading, 5)
    assert int(cursor(world.store.redis, p)["next"]) == len(world.log[p]) - 1 and len(role.answers) == 1
    await role.worker.close()
    await world.worker.close()


def _four(world: RecordedLog) -> list[dict[str, object]]:
    users = sorted(world.of_user())[:3]
    return [asked(users[0], 1), asked(users[1], 2, track_id="unknown"), asked(users[2], 3), asked(users[0], 4)]


@pytest.mark.parametrize(("chunk", "when"), [(1, "before"), (50, "before"), (50, "after")])
async def test_a_crash_at_any_step_answers_every_question_and_each_under_one_id(chunk: int, when: str) -> None:
    world = await recorded()
    await world.play(*_four(world))
    before = world.store.redis.snapshot()
    role = Role(world)
    await role.read()
    expected, ends = role.answers, [cursor(world.store.redis, p) for p in range(SETTINGS.events_partitions)]
    assert len(expected) == 4
    twice = 0
    for step in itertools.count(1):
        world.store.redis.flush()
        world.store.redis.write(dict(before.values))
        outbox, left, died = MemoryOutbox(), step, False

        def hook(moment: Moment) -> None:
            nonlocal left
            # Reads of rows are many, and one is like another.
            if moment.when == when and (moment.op != "read" and (moment.op != "read_many" or "cursor" in moment.key)):
                left -= 1
                if left == 0:
                    raise Crash

        for life in range(2):
            try:
                await Role(world, outbox, hook if life == 0 else None).read(chunk)
            except Crash:
                died = True
        found = Role(world, outbox).answers
        twice += len(found) > len(expected)
        assert {answer.answer_id for answer in found} == {answer.answer_id for answer in expected}, f"step {step}"
        assert {a.answer_id: ids(a) for a in found} == {a.answer_id: ids(a) for a in expected}, "the state is the same, so the tracks are"
        counts = [cursor(world.store.redis, p) for p in range(SETTINGS.events_partitions)]
        assert counts == ends, f"step {step}: each question is counted once"
        if not died:
            assert step > 6, "the crashes reached every step"
            assert bool(twice) == (when == "before"), "a crash between publishing and noting is the one that answers again"
            break
    await world.worker.close()


@pytest.mark.parametrize("landed", [0, 1])
async def test_a_crash_while_an_answer_is_published_loses_none(landed: int) -> None:
    world = await recorded()
    await world.play(*_four(world))
    outbox = MemoryOutbox()
    role = Role(world, outbox)
    outbox.cut(landed)
    reading = asyncio.ensure_future(role.read())
    await asyncio.sleep(0.3)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    outbox.mend()
    again = Role(world, outbox)
    await again.read()
    assert {answer.cause.event_id for answer in again.answers} == {"q1", "q2", "q3", "q4"}
    await world.worker.close()


async def test_a_zombie_moves_no_cursor_and_lost_replies_count_once() -> None:
    world = await recorded()
    await world.play(*_four(world))
    n = 0

    def hook(moment: Moment) -> None:
        nonlocal n
        n += 1
        if n % 3 == 0:
            raise ReplyLost

    zombie = Role(world, hook=hook)
    tps = {TP(EVENTS, p) for p in range(SETTINGS.events_partitions)}
    await zombie.worker.claim(tps)
    heir = Role(world, hook=hook)
    await heir.read()
    ends = [cursor(world.store.redis, p) for p in range(SETTINGS.events_partitions)]
    assert sum(int(each["applied"]) for each in ends) == 4
    for p in range(SETTINGS.events_partitions):
        await zombie.worker.receive(EVENTS, {p: world.log[p]})
    await zombie.worker.close()
    assert [cursor(world.store.redis, p) for p in range(SETTINGS.events_partitions)] == ends
    assert {a.answer_id for a in zombie.answers} <= {a.answer_id for a in heir.answers}
    await world.worker.close()


async def test_a_bad_question_is_the_plays_workers_dead_letter_and_a_spelled_one_is_found() -> None:
    world = await recorded()
    user = sorted(world.of_user())[0]
    p = partition_of(user.encode(), SETTINGS.events_partitions)
    spelled = msgspec.json.encode(asked(user, 1)).replace(b'"radio"', rb'"r\u0061dio"')
    for value in (msgspec.json.encode(asked(user, 2, n=0)), b'{"type": "radio"', spelled):
        world.log[p].append(Appended(user.encode(), value, partition=p, offset=len(world.log[p])))
    await world.handle(world.log[p][-3:])
    role = Role(world)
    await role.read()
    assert [answer.cause.event_id for answer in role.answers] == ["q1"]
    assert world.count("rejected") == 2
    await world.worker.close()


def test_nearly_every_play_is_passed_over_undecoded() -> None:
    plays: list[Any] = [msgspec.json.encode(event) for event in audience_log(500, 20)]
    assert not any(map(may_ask, plays))
    assert may_ask(rb'{"type":"\u0072adio"}') and may_ask(rb'{"type":"rad\u0069o"}') and not may_ask(rb'{"track":"\u00e9"}')
