"""What a user of Segue can rely on, told play by play."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec
import pytest

from streams.partitioner import partition_of
from streams.ports import TP, Record
from streams.user_rows import pure_part
from streams.verdicts import Verdict
from streams.verdicts import record as verdict_record
from tests.events_log import Appended
from tests.small_world import SMALL, SmallWorld, play


@pytest.fixture
async def world() -> SmallWorld:
    world = SmallWorld()
    await world.claim_all()
    return world


async def album(world: SmallWorld, user: str, *tracks: str, first: int = 0) -> None:
    """`user` plays `tracks` one after the other, each in a round of its own."""
    for i, track in enumerate(tracks):
        await world.play(play(first + i, user, track, event_id=f"{user}-{first + i}"))


async def test_a_play_becomes_a_list_that_names_its_cause(world: SmallWorld) -> None:
    await world.play(play(0, track="t1"))
    (made,) = world.published()
    assert made["user_id"] == "ana"
    assert made["cause"] == {"event_id": "e0", "partition": next(p for p, log in world.log.items() if log), "offset": 0}
    assert world.lists("ana")["recommendation_id"] == made["recommendation_id"]


async def test_what_people_play_next_leads_the_list_and_names_the_play_that_caused_it(world: SmallWorld) -> None:
    for user in ("ben", "cai", "dan"):
        await album(world, user, "a", "b", "c")
    await world.play(play(0, "ana", "a"))
    first = world.lists("ana")["next"][0]
    assert (first["track_id"], first["source"], first["because"]) == ("b", "follows", ["a"])


async def test_discover_never_shows_what_the_user_played(world: SmallWorld) -> None:
    for user in ("ben", "cai"):
        await album(world, user, "a", "b", "c", "d")
    await album(world, "ana", "b", "a")
    assert "b" in world.tracks("ana")
    assert set(world.tracks("ana", "discover")) == {"c", "d"}


async def test_a_track_in_both_lists_has_one_entry_but_for_what_was_passed_over(world: SmallWorld) -> None:
    for user in ("ben", "cai", "dan"):
        await album(world, user, *(f"t{i}" for i in range(30)))
    await album(world, "ana", "t3", "t9", "t4", "t3")
    made = world.lists("ana")
    known = {"t3", "t9", "t4"}
    both = {entry["track_id"]: entry for entry in made["next"]}
    shared = [entry for entry in made["discover"] if entry["track_id"] in both]
    assert len(shared) >= 10 and len(made["discover"]) > len(shared), "some entries stand in both lists, some do not"
    assert all(entry | {"score": 0} == both[entry["track_id"]] | {"score": 0} for entry in shared)
    scores = [(cast(float, entry["score"]), cast(float, both[entry["track_id"]]["score"])) for entry in shared]
    assert all(fresh <= following for fresh, following in scores)
    assert any(fresh < following for fresh, following in scores), "passed over: less likely in `discover` alone"
    assert not known & {entry["track_id"] for entry in made["discover"]}


async def test_a_new_user_with_an_unknown_track_gets_what_is_popular(world: SmallWorld) -> None:
    await album(world, "ben", "a", "a", "a", "b")
    await world.play(play(0, "ana", "unheard-of"))
    entries = world.lists("ana")["next"]
    assert [(e["track_id"], e["source"]) for e in entries][:1] == [("a", "popular")]


async def test_every_play_of_one_round_gets_its_own_list(world: SmallWorld) -> None:
    await world.play(*(play(i, track=f"t{i}") for i in range(5)))
    assert [made["cause"]["event_id"] for made in world.published()] == ["e0", "e1", "e2", "e3", "e4"]  # type: ignore[index]


def _score(world: SmallWorld, user: str, track: str) -> float:
    return next(float(str(entry["score"])) for entry in world.lists(user)["next"] if entry["track_id"] == track)


@pytest.mark.parametrize(("ms_played", "rises"), [(4_000, False), (200_000, True)])
async def test_what_others_skip_does_not_rise(world: SmallWorld, ms_played: int, rises: bool) -> None:
    for user in ("ben", "cai"):
        await album(world, user, "a", "b", "a", "c")
    await world.play(play(0, "ana", "a"))
    for user in ("dan", "eva", "fay"):
        await album(world, user, "a")
        await world.play(play(1, user, "c", event_id=f"{user}-c", ms_played=ms_played))
    await world.play(play(0, "gus", "a"))
    before, after = (_score(world, user, "c") / _score(world, user, "b") for user in ("ana", "gus"))
    assert (after > 1.1 * before) is rises


async def _chance_after_a_skip(ms_played: int) -> float:
    """How likely `c` is beside `b` for somebody who just heard so much of it and goes back to `a`; others went on to either."""
    world = SmallWorld()
    await world.claim_all()
    for user in ("ben", "cai", "dan"):
        await album(world, user, "a", "b")
        await album(world, user.upper(), "a", "c")
    await world.play(play(0, "ana", "a"), play(1, "ana", "c", ms_played=ms_played), play(2, "ana", "a"))
    return _score(world, "ana", "c") / _score(world, "ana", "b")


async def test_a_skip_counts_against_the_track_at_once_and_the_sooner_the_more() -> None:
    at_once, later = [await _chance_after_a_skip(ms_played) for ms_played in (4_000, 29_000)]
    assert at_once == pytest.approx(later * 0.2 / (0.2 + 0.4 * 4 / 15), rel=0.01)


async def test_an_event_sent_twice_counts_once(world: SmallWorld) -> None:
    await world.play(play(0, track="a"), play(1, track="b"), play(0, track="a"))
    await world.play(play(1, track="b"))
    assert (world.count("applied"), world.count("duplicate")) == (2, 2)
    assert msgspec.json.decode(world.user("ana")["about"])["plays"] == 2


async def test_rows_of_an_import_at_or_below_the_mark_are_duplicates(world: SmallWorld) -> None:
    source = "ab" * 32
    rows = [play(i, track=f"t{i}", event_id=f"first{i}") | {"import": {"source": source, "row": i}} for i in range(40)]
    await world.play(*rows)
    again = [row | {"event_id": f"again{i}"} for i, row in enumerate(rows)]
    await world.play(*again)
    assert (world.count("applied"), world.count("duplicate")) == (40, 40)


async def test_a_private_play_is_counted_and_forgotten(world: SmallWorld) -> None:
    await world.play(play(0, track="a", private=True))
    assert world.count("private") == 1
    assert world.user("ana") == {} and world.published() == []


async def test_a_late_play_is_counted_but_is_never_recent(world: SmallWorld) -> None:
    await album(world, "ana", "a", "b")
    await world.play(play(-5, track="old"))
    about = msgspec.json.decode(world.user("ana")["about"])
    assert (about["plays"], about["last_track"], about["session_plays"]) == (3, "b", 2)


async def test_a_blocked_track_is_gone_from_the_next_list_and_back_after_unblock(world: SmallWorld) -> None:
    for user in ("ben", "cai"):
        await album(world, user, "a", "b", "c")
    await world.play(play(0, "ana", "a"))
    assert "b" in world.tracks("ana")
    await world.play({"type": "block", "event_id": "x1", "user_id": "ana", "track_id": "b"})
    assert "b" not in world.tracks("ana") + world.tracks("ana", "discover")
    await world.play({"type": "unblock", "event_id": "x2", "user_id": "ana", "track_id": "b"})
    assert "b" in world.tracks("ana")


async def test_an_erased_user_has_no_key_and_no_list_and_may_start_anew(world: SmallWorld) -> None:
    await world.play(play(0, track="a"), {"type": "erase", "event_id": "x", "user_id": "ana"})
    assert world.user("ana") == {}
    (topic, _), log = next((key, log) for key, log in world.outbox.log.items() if key[0].endswith("recommendations"))
    assert [(out.key, out.value) for out in log] == [(b"ana", None)], f"{topic}: only the tombstone, not the list before it"
    await world.play(play(1, track="b"))
    assert msgspec.json.decode(world.user("ana")["about"])["plays"] == 1


async def test_a_bad_record_becomes_a_dead_letter_and_the_partition_goes_on(world: SmallWorld) -> None:
    good = world.append(play(0))
    bad = Appended(b"ana", b"{not json", partition=good[0].partition, offset=1)
    world.log[bad.partition].append(bad)
    more = world.append(play(1))
    await world.handle([*good, bad, *more])
    assert (world.count("applied"), world.count("rejected")) == (2, 1)
    letters = [out for (topic, _), log in world.outbox.log.items() if topic.endswith("dead-letters") for out in log]
    assert [(out.key, out.value) for out in letters] == [(b"ana", b"{not json")]
    assert dict(letters[0].pairs())["__dlq.errors.reason"] == b"json"


async def test_the_sum_of_counters_is_every_record_below_the_cursor(world: SmallWorld) -> None:
    await world.play(play(0), play(0), play(1, private=True), play(2, "ben"))
    total = sum(world.count(name) for name in ("applied", "duplicate", "private", "rejected"))
    assert total == world.count("next") == 4


async def test_a_restart_goes_on_as_if_nothing_had_happened(world: SmallWorld) -> None:
    other = SmallWorld()
    await other.claim_all()
    for i in range(12):
        events = [play(i, user, f"t{(i * 7 + k) % 5}", event_id=f"{user}{i}") for k, user in enumerate(("ana", "ben"))]
        await world.play(*events)
        await other.play(*events)
        if i % 4 == 3:
            await other.worker.close()
            other.new_worker()
            await other.claim_all()
    for user in ("ana", "ben"):
        assert pure_part(world.user(user)["row"]) == pure_part(other.user(user)["row"])
        assert world.user(user)["about"] == other.user(user)["about"]


async def test_the_play_is_tested_against_the_list_that_was_live_before_it(world: SmallWorld) -> None:
    for user in ("ben", "cai"):
        await album(world, user, "a", "b")
    before = _quality(world)
    await world.play(play(0, "ana", "a"), play(1, "ana", "b"), play(2, "ana", "never-heard"))
    after = _quality(world)
    assert after["plays"] - before["plays"] == 2, "the first play of a session has no list that was live in it"
    assert after["hits"] - before["hits"] == 1
    assert after["rr_e6"] - before["rr_e6"] == 1_000_000


def _quality(world: SmallWorld) -> dict[str, int]:
    totals = dict.fromkeys(("plays", "hits", "rr_e6"), 0)
    for p in range(SMALL.events_partitions):
        for field, value in world.store.redis.hash(world.worker._keys.quality(p)).items():
            name = field.split(":")[1]
            if name in totals:
                totals[name] += int(value)
    return totals


async def test_a_round_may_need_more_rows_than_were_left_free(world: SmallWorld) -> None:
    """Rows that are needed and in memory do not give way to rows that are needed and are not."""
    users = [f"u{i}" for i in range(60)]
    await world.play(*(play(i, user, "a") for i, user in enumerate(users)))
    await world.play(
        *(play(100 + i, user, "b", event_id=f"{user}-2") for i, user in enumerate([*users[-25:], *(f"new{i}" for i in range(35))]))
    )
    assert world.count("applied") == 120


async def test_a_replay_does_not_bring_an_erased_user_back_not_even_for_a_moment(world: SmallWorld) -> None:
    plays = world.append(play(0, track="a"), play(1, track="b"), {"type": "erase", "event_id": "x", "user_id": "ana"})
    await world.handle(plays)
    world.store.redis.flush()
    await world.worker.close()
    n_published = len(world.outbox.log["segue.recommendations", plays[0].partition])
    world.new_worker()
    await world.claim_all()
    await world.handle(plays[:2])
    assert (world.user("ana")["about"], world.user("ana")["list"]) == (b"", b"")
    await world.handle(plays[2:])
    assert world.user("ana") == {}
    fresh = world.outbox.log["segue.recommendations", plays[0].partition][n_published:]
    assert [(out.key, out.value) for out in fresh] == [(b"ana", None)]


async def test_a_zombie_that_publishes_an_older_erasure_late_makes_nobody_forget_the_newer(world: SmallWorld) -> None:
    erase: list[dict[str, object]] = [{"type": "erase", "event_id": f"x{i}", "user_id": "ana"} for i in range(2)]
    await world.play(play(0, track="a"), erase[0])
    of_the_zombie = list(world.outbox.log["segue.internal.erasures", 0])
    await world.play(play(1, track="b"), erase[1])
    await world.outbox.publish(of_the_zombie)
    world.store.redis.flush()
    await world.worker.close()
    lists = world.outbox.log["segue.recommendations", next(p for p, log in world.log.items() if log)]
    n_published = len(lists)
    world.new_worker()
    await world.claim_all()
    for record in [record for log in list(world.log.values()) for record in log]:
        await world.handle([record])
    assert {out.value for out in lists[n_published:]} == {None}


async def test_a_flush_that_the_owner_notices_itself_brings_no_erased_user_back(world: SmallWorld) -> None:
    """No assignment lies between the erasure and the replay, so nobody read the topic in between."""
    plays = world.append(play(0, track="a"), play(1, track="b"), {"type": "erase", "event_id": "x", "user_id": "ana"})
    await world.handle(plays)
    n_published = len(world.outbox.log["segue.recommendations", plays[0].partition])
    world.store.redis.flush()
    await claimed_again(world)
    await world.handle(plays[:2])
    assert (world.user("ana")["about"], world.user("ana")["list"]) == (b"", b"")
    await world.handle(plays[2:])
    assert world.user("ana") == {}
    fresh = world.outbox.log["segue.recommendations", plays[0].partition][n_published:]
    assert [(out.key, out.value) for out in fresh] == [(b"ana", None)]


async def test_a_verdict_that_another_worker_passed_is_learned_before_a_partition_is_claimed_again(world: SmallWorld) -> None:
    plays = world.append(play(0, track="a"))
    partition = plays[0].partition
    await world.handle(plays)
    world.store.redis.flush()
    await world.outbox.publish([verdict_record("segue", Verdict(partition, 0, "handler"))])
    await claimed_again(world)
    await world.handle(plays)
    assert world.count("rejected") == 1


async def test_a_revocation_that_cannot_wait_any_longer_leaves_the_rounds_their_publication(world: SmallWorld) -> None:
    """The transport cancels it after two seconds; other partitions had lists in the same round, and more rounds follow."""
    users = user_of_each_partition()
    world.outbox.cut()
    await received(world, *(play(0, user) for user in users))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.worker.revoked({TP(world.worker.events_topic, 0)}), 0.05)
    world.outbox.mend()
    await world.play(play(1, users[1]))
    assert {made["user_id"] for made in world.published()} == set(users)
    assert len(world.published()) == 3


async def test_a_late_waiter_does_not_make_the_next_round_forget_what_is_being_published(world: SmallWorld) -> None:
    """Items would overtake each other on their topic, and their numbers would stop the tracks' side for good."""
    side = world.worker._users
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
    side._published = first

    async def next_round() -> None:
        await side.all_published()
        side._published = second

    both = asyncio.gather(next_round(), side.all_published())
    await asyncio.sleep(0)
    first.set_result(None)
    await both
    waiting = asyncio.ensure_future(side.all_published())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    second.set_result(None)
    await waiting


async def test_what_was_refused_during_a_revocation_is_not_taken_from_its_next_owner(
    world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = asyncio.Event()
    monkeypatch.setattr(world, "confirmed_member", heartbeat.wait)
    worker, users = world.worker, TP(world.worker.events_topic, 0)
    world.outbox.cut()
    await received(world, play(0, user_of_each_partition()[1]))
    revocation = asyncio.ensure_future(asyncio.wait_for(worker.revoked({users}), 0.1))
    await asyncio.sleep(0.01)
    heir = world.new_worker()
    await heir.claim({users})
    await worker.check_owned()
    with pytest.raises(TimeoutError):
        await revocation
    heartbeat.set()
    await asyncio.sleep(0.01)
    cursor = world.store.redis.hash(heir._keys.user_cursor(0))
    assert cursor["token"].decode() == heir.user_partitions[0].token
    world.outbox.mend()


def user_of_each_partition() -> list[str]:
    found = {partition_of(f"u{i}".encode(), SMALL.events_partitions): f"u{i}" for i in range(50)}
    return [found[p] for p in range(SMALL.events_partitions)]


async def received(world: SmallWorld, *events: dict[str, object]) -> None:
    """Handled in one round as far as the broker lets it."""
    chunks: dict[int, list[Record]] = {record.partition: [record] for record in world.append(*events)}
    await world.worker.receive(world.worker.events_topic, chunks)
    await asyncio.sleep(0.05)


async def claimed_again(world: SmallWorld) -> None:
    """The worker looks, sees that Redis is empty, and takes its partitions over once more."""
    n_owned = len(world.worker.user_partitions)
    await world.worker.check_owned()
    for _ in range(100):
        if len(world.worker.user_partitions) == n_owned:
            return
        await asyncio.sleep(0)
    raise AssertionError("not claimed again")


class TimeIsOver(BaseException):
    """As pytest-timeout raises in whatever runs just then."""


@pytest.mark.parametrize("error", [ValueError("a bug"), TimeIsOver()])
async def test_nobody_waits_for_rounds_that_ended(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    world = SmallWorld()
    await world.claim_all()

    def handle(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.worker.pipeline, "handle", handle)
    with pytest.raises(RuntimeError, match="the rounds ended") as caught:
        await world.play(*(play(n) for n in range(3)))
        await world.play(play(3))
    assert caught.value.__cause__ is error
    with pytest.raises(RuntimeError, match="the rounds ended"):
        await world.worker.settle()
    await world.worker.close()
