"""The catalogue worker gives the same rows, counts and dead letters whatever step it dies at, and however its log was cut."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from infra.keys import Keys
from infra.memory_store import MemoryRedis, MemoryStore, Moment, ReplyLost
from infra.settings import Settings
from streams import catalogue_lessons, catalogue_worker
from streams.catalogue_worker import Catalogue, rounds
from streams.claims import NeedsRebuild
from streams.memory_outbox import MemoryOutbox
from streams.ports import TP, Outgoing, Record
from streams.sections import JSON_LESSONS, admit, read_sections
from tests.catalogue_log import AT_MS, compacted, lying_on, messy_tracks
from tests.events_log import Appended

KEYS = Keys("night")
TRACKS, USERS = "night.tracks", "night.users"
TP0 = TP(TRACKS, 0)
CURSOR = KEYS.clean_cursor("c", 0)
SETTINGS = Settings(namespace="night", events_partitions=1)
PUPILS = {"genre": 1, "micro_genres": 2}
TOKENS = itertools.count(0x5E60E00000000001)
LOG = lying_on(TRACKS, 1, messy_tracks(60, seed=3, ids=12))[0]


class Crash(BaseException):
    """The process ends here."""


class Kafka:
    """The transport as the worker sees it."""

    def __init__(self) -> None:
        self.placed: list[tuple[TP, int]] = []
        self.confirmed = 0

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 100_000))

    async def confirmed_member(self) -> None:
        self.confirmed += 1

    async def reposition(self, tp: TP, offset: int) -> bool:
        self.placed.append((tp, offset))
        return True

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("refused records are held whole")

    async def read_all(self, topic: str) -> list[bytes | None]:
        raise AssertionError("verdicts are no business of the catalogue")

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        return


class Noon:
    def now_ms(self) -> int:
        raise AssertionError("times are those of the records")


def worker(
    redis: MemoryRedis, outbox: MemoryOutbox | None = None, hook: Callable[[Moment], None] | None = None, settings: Settings = SETTINGS
) -> Catalogue:
    """With two models that learn from rows, from lessons partitions 1 and 2."""
    store = MemoryStore(redis, namespace="night", hook=hook)
    token = lambda: f"{next(TOKENS):016x}"  # noqa: E731
    catalogue = Catalogue(settings, store, outbox or MemoryOutbox(), Noon(), fresh_token=token, pupils=PUPILS)
    catalogue.attach(Kafka())
    return catalogue


async def read(catalogue: Catalogue, log: Sequence[Record], start: int, chunk: int) -> None:
    rest = [record for record in log if record.offset >= start]
    for at in range(0, len(rest), chunk):
        await catalogue.receive(TRACKS, {0: rest[at : at + chunk]})


async def whole(log: Sequence[Record], chunk: int = 1_000) -> tuple[MemoryRedis, MemoryOutbox]:
    redis, outbox = MemoryRedis(), MemoryOutbox()
    catalogue = worker(redis, outbox)
    found = await catalogue.claim({TP0})
    await read(catalogue, log, found[TP0], chunk)
    await catalogue.close()
    return redis, outbox


def stands(redis: MemoryRedis) -> dict[str, Any]:
    """Everything but who owns it, and what is still to be published."""
    values = dict(redis.snapshot().values)
    cursor = values[CURSOR]
    assert not isinstance(cursor, bytes)
    values[CURSOR] = {name: value for name, value in cursor.items() if name not in ("token", "claims", "incarnation")}
    return {key: value for key, value in values.items() if key not in (KEYS.meta(), KEYS.clean_pending("c", 0))}


def letters(outbox: MemoryOutbox) -> list[Outgoing]:
    return outbox.log.get(("night.dead-letters", 0), [])


def lessons(outbox: MemoryOutbox) -> list[bytes]:
    """What the models take of all sections that were published: each number once, and each model the same."""
    first, *others = (taken_from(outbox, partition) for partition in PUPILS.values())
    assert all(other == first for other in others)
    return first


def taken_from(outbox: MemoryOutbox, partition: int) -> list[bytes]:
    taken: list[bytes] = []
    for record in outbox.log.get(("night.internal.lessons", partition), []):
        for section in read_sections(record.value or b""):
            lines = bytes(section.body).split(b"\n")
            assert (section.kind, section.source, section.n) == (JSON_LESSONS, 0, len(lines))
            drop = admit(section, len(taken))
            assert lines[:drop] == taken[section.first - 1 :][:drop], "sent again with the same bytes"
            taken += lines[drop:]
    return taken


def rows(redis: MemoryRedis) -> list[str]:
    return [key for key in redis.snapshot().values if ":track:" in key]


def row_at(redis: MemoryRedis, key: str) -> Any:
    return msgspec.json.decode(redis.hash(key)["row"])


def row(redis: MemoryRedis, track_id: str) -> Any:
    return row_at(redis, KEYS.clean_row("c", 0, track_id))


async def test_a_row_is_what_its_newest_record_says_and_says_what_was_changed() -> None:
    values = (
        {"track_id": "t1", "title": "One", "artist": "Metallica"},
        {"track_id": "t1", "title": "R&amp;B (feat. X)", "released": "14/06/2019", "features": {"tempo": "120 bpm", "energy": 7}},
    )
    log = lying_on(TRACKS, 1, [(b"t1", msgspec.json.encode(value)) for value in values])[0]
    redis, _ = await whole(log)
    assert row(redis, "t1") == {
        "track_id": "t1",
        "title": "R&B (feat. X)",
        "released": "2019-06-14",
        "features": {"tempo": 120.0},
        "song": "R&B",
        "featured": ["X"],
        "updated_at": AT_MS + 1,
    }
    cleaning = msgspec.json.decode(redis.hash(KEYS.clean_row("c", 0, "t1"))["cleaning"])
    assert cleaning["corrected"][-1] == {"field": "tempo", "rule": "unit", "before": "120 bpm", "after": 120.0}
    assert cleaning["refused"] == [{"field": "energy", "reason": "out_of_range", "value": "7"}]


async def test_a_null_value_withdraws_a_row_and_a_later_value_brings_it_back() -> None:
    value = b'{"track_id":"t1","title":"One"}'
    key = KEYS.clean_row("c", 0, "t1")
    redis, _ = await whole(lying_on(TRACKS, 1, [(b"t1", value), (b"t1", None)])[0])
    assert redis.hash(key) == {}
    redis, _ = await whole(lying_on(TRACKS, 1, [(b"t1", value), (b"t1", None), (b"t1", value)])[0])
    assert row(redis, "t1")["title"] == "One"
    assert {name: redis.hash(CURSOR)[name] for name in ("applied", "withdrawn", "rejected")} == {
        "applied": b"2",
        "withdrawn": b"1",
        "rejected": b"0",
    }


@pytest.mark.parametrize(
    ("key", "value", "headers", "reason"),
    [
        (b"t1", b"{", (), "json"),
        (b"t1", b'{"track_id":"t1","title":NaN}', (), "json"),
        (b"t1", b'{"title":"One"}', (), "schema"),
        (b"t1", b'{"track_id":7}', (), "schema"),
        (b"t1", b'{"track_id":"t1","title":"' + b"x" * 513 + b'"}', (), "schema"),
        (b"t1", b'{"track_id":"t1","title":"\\u0000"}', (), "schema"),
        (b"t1", b'{"track_id":"t1","x":' + b"[" * 300 + b"]" * 300 + b"}", (), "schema"),
        (b"nan", b'{"track_id":"nan"}', (), "schema"),
        (b"t1", b'{"track_id":"t2"}', (), "key"),
        (b"\xff", b'{"track_id":"t1"}', (), "key"),
        (None, b'{"track_id":"t1"}', (), "null"),
        (b"t1", b'{"track_id":"t1","lyrics":"' + b"x" * 65_536 + b'"}', (), "oversize"),
        (b"t1", b'{"track_id":"t1"}', (("ce_type", b"segue.track.v2"),), "version"),
    ],
)
async def test_what_cannot_be_a_row_is_a_dead_letter_with_its_bytes_and_a_reason(
    key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]], reason: str
) -> None:
    redis, outbox = await whole([Appended(key, value, tuple(headers), AT_MS, 4, 0, TRACKS)])
    (letter,) = letters(outbox)
    told = dict(letter.pairs())
    assert (letter.key, letter.value, told["__dlq.errors.reason"]) == (key, value, reason.encode())
    assert (told["__dlq.errors.topic"], told["__dlq.errors.offset"]) == (TRACKS.encode(), b"4")
    assert redis.hash(CURSOR)["rejected"] == b"1" and redis.hash(CURSOR)["next"] == b"5"
    assert not rows(redis)


async def test_a_key_on_another_partition_than_murmur2s_is_refused() -> None:
    redis, outbox = MemoryRedis(), MemoryOutbox()
    settings = Settings(namespace="night", events_partitions=2, catalogue_partitions=8)
    catalogue = worker(redis, outbox, settings=settings)
    tp = TP(TRACKS, 7)
    await catalogue.claim({tp})
    await catalogue.receive(TRACKS, {7: [Appended(b"ana", b'{"track_id":"ana"}', (), AT_MS, 0, 7, TRACKS)]})
    (letter,) = outbox.log["night.dead-letters", 1]  # there are fewer partitions of dead letters than of tracks
    assert dict(letter.pairs())["__dlq.errors.reason"] == b"key"
    await catalogue.close()


async def test_a_topic_with_more_partitions_than_the_settings_say_is_not_read() -> None:
    redis = MemoryRedis()
    with pytest.raises(NeedsRebuild, match="night.tracks has a partition 1, the settings say 1"):
        await worker(redis).claim({TP(TRACKS, 1)})
    assert KEYS.clean_cursor("c", 1) not in redis.snapshot().values


async def test_a_fault_of_the_cleaning_costs_its_record_and_not_the_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, raw: Mapping[str, object]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("online_models.cleaning.rows.RowCleaner.clean_one", broken)
    redis, outbox = await whole(lying_on(TRACKS, 1, [(b"t1", b'{"track_id":"t1"}')])[0])
    assert dict(letters(outbox)[0].pairs())["__dlq.errors.reason"] == b"handler"
    assert redis.hash(CURSOR)["next"] == b"1"


async def test_attributes_of_users_are_rows_of_their_own() -> None:
    redis = MemoryRedis()
    catalogue = worker(redis)
    tp = TP(USERS, 0)
    assert await catalogue.claim({tp}) == {tp: 0}
    value = b'{"user_id":"ana","country":"Deutschland","age":"thirty-one","gender":"F"}'
    await catalogue.receive(USERS, {0: [Appended(b"ana", value, (), AT_MS, 0, 0, USERS)]})
    found = msgspec.json.decode(redis.hash(KEYS.clean_row("a", 0, "ana"))["row"])
    assert found == {"user_id": "ana", "country": "DE", "age": 31, "gender": "female", "updated_at": AT_MS}
    await catalogue.close()


async def test_a_track_with_audio_features_is_a_lesson_as_often_as_it_says_something_else() -> None:
    def told(**fields: object) -> tuple[bytes | None, bytes | None]:
        return b"t1", msgspec.json.encode({"track_id": "t1", "title": "One", **fields})

    sound = {"tempo": "120 bpm", "energy": 0.5}
    records = [
        told(),  # nothing to learn from
        told(features=sound, genre="Rock"),
        told(features=sound, genre="Rock", tags=["live"]),  # says the same to a model
        told(features=sound, genre=None, released="2019"),
        (b"t1", None),
        told(features=sound, genre=None, released="2019"),
    ]
    redis, outbox = await whole(lying_on(TRACKS, 1, records)[0], chunk=2)
    same = {"track_id": "t1", "genre": "rock", "features": {"energy": 0.5, "tempo": 120.0}, "title": "One", "artist": None, "album": None}
    assert [msgspec.json.decode(each) for each in lessons(outbox)] == [
        {**same, "released": None, "at_ms": AT_MS + 1},
        {**same, "genre": None, "released": "2019", "at_ms": AT_MS + 3},
        {**same, "genre": None, "released": "2019", "at_ms": AT_MS + 5},
    ]
    assert redis.hash(KEYS.clean_row("c", 0, "t1"))["taught"] == b'{"genre":3,"micro_genres":3}'
    assert msgspec.json.decode(redis.hash(CURSOR)["lessons"]) == {"genre": 3, "micro_genres": 3}


async def test_models_of_words_learn_rows_without_sound_and_hear_of_new_words_alone() -> None:
    def told(**fields: object) -> tuple[bytes | None, bytes | None]:
        return b"t1", msgspec.json.encode({"track_id": "t1", **fields})

    records = [
        told(features={"energy": 0.5}),  # no word
        told(title="Vltava", lyrics="la " * 5_000),
        told(title="Vltava", lyrics="la " * 5_000, features={"energy": 0.5}),  # says the same in words
        told(title="Vltava", tags=["river"], genre="rock", features={"energy": 0.5}),
    ]
    redis, outbox = MemoryRedis(), MemoryOutbox()
    await read_by({"genre": 1, "text_clusters": 5}, redis, outbox, lying_on(TRACKS, 1, records)[0])
    found = [msgspec.json.decode(each) for each in taken_from(outbox, 5)]
    assert [(each.get("lyrics"), each.get("tags"), each["genre"]) for each in found] == [
        (("la " * 5_000)[: catalogue_lessons.LYRICS_CHARS_MAX], None, None),
        (None, ["river"], "rock"),
    ]
    assert [msgspec.json.decode(each).get("tags") for each in taken_from(outbox, 1)] == [None] * 3, "its lessons are what they were"
    assert redis.hash(KEYS.clean_row("c", 0, "t1"))["taught"] == b'{"genre":3,"text_clusters":2}'


async def read_by(pupils: Mapping[str, int], redis: MemoryRedis, outbox: MemoryOutbox, log: Sequence[Record]) -> None:
    catalogue = Catalogue(SETTINGS, MemoryStore(redis, namespace="night"), outbox, Noon(), pupils=pupils)
    catalogue.attach(Kafka())
    await read(catalogue, log, (await catalogue.claim({TP0}))[TP0], 1_000)
    await catalogue.close()


async def test_a_model_that_comes_later_learns_what_is_sent_again_and_the_others_do_not() -> None:
    redis, outbox = MemoryRedis(), MemoryOutbox()
    log = lying_on(TRACKS, 1, 4 * [(b"t1", b'{"track_id":"t1","genre":"rock","features":{"energy":0.5}}')])[0]
    for n, (pupils, expected) in enumerate((({}, [0, 0]), ({"genre": 1}, [1, 0]), (PUPILS, [1, 1]), (PUPILS, [1, 1]))):
        await read_by(pupils, redis, outbox, log[: n + 1])
        assert [len(taken_from(outbox, partition)) for partition in PUPILS.values()] == expected
    assert redis.hash(KEYS.clean_row("c", 0, "t1"))["taught"] == b'{"genre":1,"micro_genres":1}'


async def test_what_was_taught_when_there_was_one_model_is_not_taught_again() -> None:
    redis, outbox = MemoryRedis(), MemoryOutbox()
    log = lying_on(TRACKS, 1, 2 * [(b"t1", b'{"track_id":"t1","genre":"rock","features":{"energy":0.5}}')])[0]
    await read_by({"genre": 1}, redis, outbox, log[:1])
    key = KEYS.clean_row("c", 0, "t1")
    redis.write({key: {**redis.hash(key), "taught": b"1"}})
    await read_by(PUPILS, redis, outbox, log)
    assert [len(taken_from(outbox, partition)) for partition in PUPILS.values()] == [1, 1]


def test_the_registry_says_who_learns_from_rows_as_far_as_the_topic_has_partitions() -> None:
    assert catalogue_lessons.registered(8) == {**PUPILS, "text_clusters": 5, "map": 6}
    assert catalogue_lessons.registered(2) == {"genre": 1}


async def test_every_record_is_counted_once_and_the_counts_add_up() -> None:
    redis, outbox = await whole(LOG)
    counted = {name: int(redis.hash(CURSOR)[name]) for name in ("applied", "withdrawn", "rejected")}
    assert sum(counted.values()) == len(LOG) and min(counted.values()) > 0
    assert counted["rejected"] == len(letters(outbox))
    assert msgspec.json.decode(redis.hash(KEYS.clean_counts("c", 0))["rows"]) == counted["applied"]


@pytest.mark.parametrize("chunk", [1, 2, 7, 31])
async def test_no_cut_of_the_log_changes_a_byte(chunk: int) -> None:
    redis, outbox = await whole(LOG, chunk)
    expected, told = await whole(LOG)
    assert stands(redis) == stands(expected)
    assert letters(outbox) == letters(told)
    assert lessons(outbox) == lessons(told)


@pytest.mark.parametrize(("chunk", "when"), [(1, "before"), (7, "before"), (7, "after"), (31, "after")])
async def test_a_crash_at_any_step_changes_no_row_and_no_count(chunk: int, when: str) -> None:
    expected, told = await whole(LOG)
    step = 0
    while True:
        step += 1
        redis, outbox, left = MemoryRedis(), MemoryOutbox(), step

        def hook(moment: Moment) -> None:
            nonlocal left
            if moment.when == when:
                left -= 1
                if left == 0:
                    raise Crash

        died = False
        for life in range(2):
            catalogue = worker(redis, outbox, hook if life == 0 else None)
            try:
                found = await catalogue.claim({TP0})
                await read(catalogue, LOG, found[TP0], chunk)
            except Crash:
                died = True
            finally:
                await catalogue.close()
        assert stands(redis) == stands(expected), f"step {step}"
        published = letters(outbox)
        assert list(dict.fromkeys(map(repr, published))) == list(map(repr, letters(told))), f"step {step}"
        assert lessons(outbox) == lessons(told), f"step {step}"
        if not died:
            assert step > 8, "the crashes reached every step"
            return


async def test_a_crash_while_dead_letters_and_lessons_are_published_loses_none() -> None:
    expected = (await whole(LOG))[1]
    told = letters(expected)
    for after in range(len(told)):
        redis, outbox = MemoryRedis(), MemoryOutbox()
        catalogue = worker(redis, outbox)
        found = await catalogue.claim({TP0})
        outbox.cut(after)
        reading = asyncio.ensure_future(read(catalogue, LOG, found[TP0], 7))
        for _ in range(300):
            await asyncio.sleep(0)
        reading.cancel()  # the process ends while it waits for the broker
        await asyncio.gather(reading, return_exceptions=True)
        await catalogue.close()
        outbox.mend()
        catalogue = worker(redis, outbox)
        found = await catalogue.claim({TP0})
        await read(catalogue, LOG, found[TP0], 7)
        await catalogue.close()
        assert set(map(repr, letters(outbox))) == set(map(repr, told)), after
        assert lessons(outbox) == lessons(expected), after


async def test_a_lost_reply_is_asked_again_and_counts_once() -> None:
    expected, _ = await whole(LOG)
    n = 0

    def hook(moment: Moment) -> None:
        nonlocal n
        n += 1
        if n % 3 == 0:
            raise ReplyLost

    redis = MemoryRedis()
    catalogue = worker(redis, hook=hook)
    found = await catalogue.claim({TP0})
    await read(catalogue, LOG, found[TP0], 7)
    await catalogue.close()
    assert stands(redis) == stands(expected)


async def test_after_compaction_and_a_flush_every_row_is_what_its_newest_record_says() -> None:
    newest = compacted(LOG)
    redis, _ = await whole(LOG)
    again, _ = await whole(newest)
    refused = {(letter.key or b"").decode() for letter in letters((await whole(newest))[1])}
    assert refused, "a refused record is the newest of its key somewhere"
    assert {k for k in rows(redis) if k.rsplit(":", 1)[1] not in refused} == set(rows(again))
    for key in rows(again):
        assert row_at(again, key)["updated_at"] == row_at(redis, key)["updated_at"]


async def test_records_that_come_twice_count_once() -> None:
    redis = MemoryRedis()
    catalogue = worker(redis)
    await catalogue.claim({TP0})
    for chunk in (LOG[:20], LOG[10:30], LOG):
        await catalogue.receive(TRACKS, {0: chunk})
    await catalogue.close()
    assert stands(redis) == stands((await whole(LOG))[0])


async def test_a_second_owner_is_the_only_writer() -> None:
    redis = MemoryRedis()
    first, second = worker(redis), worker(redis)
    found = await first.claim({TP0})
    await read(first, LOG[:20], found[TP0], 7)
    found = await second.claim({TP0})
    await first.receive(TRACKS, {0: LOG[20:30]})
    assert TP0 not in first.held, "refused, so forgotten"
    await first.close()
    await read(second, LOG, found[TP0], 7)
    await second.close()
    assert stands(redis) == stands((await whole(LOG))[0])


async def test_a_flush_is_noticed_and_everything_is_read_again() -> None:
    redis = MemoryRedis()
    catalogue = worker(redis)
    kafka = catalogue._group
    assert isinstance(kafka, Kafka)
    found = await catalogue.claim({TP0})
    await read(catalogue, LOG[:30], found[TP0], 7)
    redis.flush()
    await catalogue.check_owned()
    for _ in range(20):
        await asyncio.sleep(0)
    assert (kafka.confirmed, kafka.placed) == (1, [(TP0, 0)])
    await read(catalogue, LOG, 0, 7)
    await catalogue.close()
    assert stands(redis) == stands((await whole(LOG))[0])


async def test_records_that_were_fetched_before_a_new_claim_are_not_taken_for_the_next_ones() -> None:
    redis = MemoryRedis()
    settings = Settings(namespace="night", events_partitions=1, catalogue_partitions=2)
    logs = lying_on(TRACKS, 2, messy_tracks(60, seed=3, ids=12))
    tps = {TP(TRACKS, 0), TP(TRACKS, 1)}
    catalogue = worker(redis, settings=settings)
    await catalogue.claim(tps)
    await catalogue.receive(TRACKS, {1: logs[1][:10]})
    first = catalogue.held[TP(TRACKS, 0)]
    async with first.lock:  # partition 0 is busy, so partition 1's records of the same fetch wait
        waiting = asyncio.ensure_future(catalogue.receive(TRACKS, {0: logs[0][:5], 1: logs[1][10:]}))
        await asyncio.sleep(0)
        redis.flush()
        await catalogue.check_owned()
        for _ in range(30):
            await asyncio.sleep(0)
    await waiting
    cursor = redis.hash(KEYS.clean_cursor("c", 1))
    assert int(cursor["next"]) == 0, "partition 1 reads from its beginning"
    await catalogue.close()


async def test_a_partition_that_goes_is_finished_and_forgotten() -> None:
    redis = MemoryRedis()
    catalogue = worker(redis)
    await catalogue.claim({TP0})
    reading = asyncio.ensure_future(catalogue.receive(TRACKS, {0: LOG}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await catalogue.revoked({TP0})
    await reading
    assert catalogue.held == {}
    assert int(redis.hash(CURSOR)["next"]) in (0, LOG[-1].offset + 1)
    await catalogue.close()


def test_rounds_end_by_number_and_by_bytes_and_hold_every_record_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_worker, "ROUND_ROWS_MAX", 3)
    monkeypatch.setattr(catalogue_worker, "ROUND_BYTES_MAX", 10)
    sizes = [1, 1, 1, 1, 9, 2, 20, 1]
    log = [Appended(b"k", b"x" * size, (), AT_MS, n, 0, TRACKS) for n, size in enumerate(sizes)]
    assert [[len(record.value or b"") for record in some] for some in rounds(log)] == [[1, 1, 1], [1, 9], [2], [20], [1]]
    assert list(rounds([])) == []
