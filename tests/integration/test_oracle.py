"""The oracle passes a world that is right, and finds every single thing that is not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import msgspec
import pytest

from console.chaos_load import Sent
from infra.services import Addresses
from streams.clock import SystemClock
from tests.oracle import Verdict, judge
from tests.oracle.names import hex_hash, id_hash, partition_of
from tests.oracle.people import User
from tests.oracle.verdict import FAULTS
from tests.reference_world import INCARNATION, ReferenceWorld, delta_section, lesson_section, short_of


@pytest.fixture(scope="module")
def world(services: Addresses) -> ReferenceWorld:
    """One world for all: what is done to Redis is undone, what is appended to a topic stays."""
    namespace = f"t-oracle-{uuid.uuid4().hex[:8]}"
    return ReferenceWorld(services.kafka, services.redis, namespace, now_ms=SystemClock().now_ms()).build()


def judged(world: ReferenceWorld, *, rewound: bool = False) -> Verdict:
    return judge(world.settings.kafka, world.settings.redis, world.settings.namespace, rewound=rewound)


def faults(verdict: Verdict) -> dict[str, int]:
    return {kind: getattr(verdict, kind) for kind in FAULTS}


class Before:
    """Faults before a change, to tell what it added."""

    def __init__(self, world: ReferenceWorld) -> None:
        self.world = world
        self.faults = faults(judged(world))

    def added(self, *, rewound: bool = False) -> dict[str, int]:
        now = faults(judged(self.world, rewound=rewound))
        return {kind: n - self.faults[kind] for kind, n in now.items() if n != self.faults[kind]}


@pytest.fixture
def restored(world: ReferenceWorld) -> Iterator[None]:
    """Puts every key back as it was."""
    keys = list(world.redis.scan_iter(match=f"{world.settings.namespace}:*", count=1_000))
    kept = {key: world.redis.dump(key) for key in keys}
    yield
    for key in set(world.redis.scan_iter(match=f"{world.settings.namespace}:*", count=1_000)) - kept.keys():
        world.redis.delete(key)
    for key, value in kept.items():
        world.redis.restore(key, 0, value or b"", replace=True)


@pytest.fixture
def before(world: ReferenceWorld, restored: None) -> Before:
    return Before(world)


def a_user(world: ReferenceWorld, partition: int = 0) -> tuple[str, User]:
    """A user who played more than once."""
    return max(world.folds[partition].users.items(), key=lambda pair: (pair[1].plays, pair[0]))


def a_user_key(world: ReferenceWorld) -> str:
    return world.names.user(0, a_user(world)[0])


def a_track_key(world: ReferenceWorld, kind: str = "track") -> str:
    """The key of a track that was played and followed; or of an artist or an album with many tracks."""
    keys = sorted(world.redis.scan_iter(match=f"{world.settings.namespace}:{{t0}}:{kind}:*", count=1_000))
    return str(max(keys, key=lambda key: len(world.redis.hget(key, "row") or b"")).decode())


def field(world: ReferenceWorld, key: str, name: str) -> bytes:
    found = world.redis.hget(key, name)
    assert isinstance(found, bytes)
    return found


def change_about(world: ReferenceWorld, key: str, name: str, by: int) -> None:
    about = msgspec.json.decode(field(world, key, "about"))
    about[name] += by
    world.store(key, {"about": msgspec.json.encode(about)})


class TestARightWorld:
    def test_nothing_is_found_and_everything_is_counted(self, world: ReferenceWorld) -> None:
        verdict = judged(world)
        assert verdict.ok, verdict.errors
        assert verdict.errors == []
        assert verdict.records == 1_500 == verdict.plays + verdict.duplicates + verdict.rejected + verdict.private + others(world)
        assert min(verdict.duplicates, verdict.rejected, verdict.private, verdict.lists_repeated) > 0
        assert verdict.transitions > 2_000 and verdict.lessons > 500 and verdict.tracks > 100
        assert min(verdict.artists, verdict.albums) > 50
        assert verdict.incarnation == INCARNATION

    def test_it_holds_the_cases_that_matter(self, world: ReferenceWorld) -> None:
        users = [user for fold in world.folds for user in fold.users.values()]
        assert any(user.erased_at >= 0 > user.newest for user in users) and any(0 <= user.erased_at < user.newest for user in users)
        assert any(user.marks.kept for user in users)


def others(world: ReferenceWorld) -> int:
    """Applied events that are no plays."""
    return sum(fold.applied - fold.plays for fold in world.folds)


class TestRedis:
    @pytest.mark.parametrize(("by", "kind"), [(-1, "lost"), (1, "double")])
    def test_one_play_more_or_less_is_found(self, world: ReferenceWorld, before: Before, by: int, kind: str) -> None:
        change_about(world, a_user_key(world), "plays", by)
        assert before.added() == {kind: 1, "users_wrong": 1}

    def test_a_user_who_is_gone_is_lost_with_every_play(self, world: ReferenceWorld, before: Before) -> None:
        world.redis.delete(a_user_key(world))
        assert before.added() == {"lost": a_user(world)[1].plays, "users_wrong": 1, "lists_wrong": 1}

    def test_a_wrong_time_in_the_users_history_is_found(self, world: ReferenceWorld, before: Before) -> None:
        key = a_user_key(world)
        row = bytearray(field(world, key, "row"))
        row[8 + 128 + 8 * len(a_user(world)[1].history)] ^= 1
        world.store(key, {"row": bytes(row)})
        assert before.added() == {"users_wrong": 1}

    @pytest.mark.parametrize("what", ["event", "until", "kind"])
    def test_one_bit_of_a_users_decision_is_found(self, world: ReferenceWorld, before: Before, what: str) -> None:
        user_id, user = next((name, user) for name, user in world.folds[0].users.items() if user.marks.kept and user.newest >= 0)
        key, n, m = world.names.user(0, user_id), len(user.history), len(user.marks.kept)
        row = bytearray(field(world, key, "row"))
        row[8 + 128 + 17 * n + m * {"event": 8, "until": 12, "kind": 16}[what]] ^= 1
        world.store(key, {"row": bytes(row)})
        assert before.added() == {"users_wrong": 1}

    @pytest.mark.parametrize("column", [13, 14])
    def test_a_user_who_is_paused_or_whose_last_play_was_forgotten_by_nobody_is_found(
        self, world: ReferenceWorld, before: Before, column: int
    ) -> None:
        row = bytearray(field(world, a_user_key(world), "row"))
        row[8 + 8 * column] ^= 1
        world.store(a_user_key(world), {"row": bytes(row)})
        assert before.added() == {"users_wrong": 1}

    def test_an_older_list_in_redis_is_found(self, world: ReferenceWorld, before: Before) -> None:
        user_id, key = a_user(world)[0], a_user_key(world)
        lists = [read.value for read in world.records("recommendations", 0) if read.key == user_id.encode() and read.value]
        older = next(value for value in lists if short_of(value) != field(world, key, "list"))
        world.store(key, {"list": short_of(older)})
        assert before.added() == {"lists_wrong": 1}

    @pytest.mark.parametrize("name", ["applied", "duplicate", "rejected", "private"])
    def test_one_record_too_many_in_a_counter_is_found(self, world: ReferenceWorld, before: Before, name: str) -> None:
        world.redis.hincrby(world.names.user_cursor(1), name, 1)
        assert before.added() == {"cursors_wrong": 1}

    @pytest.mark.parametrize("by", [-1, 1])
    def test_a_cursor_that_is_not_at_the_end_is_found(self, world: ReferenceWorld, before: Before, by: int) -> None:
        world.redis.hincrby(world.names.user_cursor(1), "next", by)
        assert before.added() == {"cursors_wrong": 1}

    def test_a_lost_cursor_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.redis.delete(world.names.user_cursor(1))
        assert before.added() == {"cursors_wrong": 1, "lost": world.folds[1].applied}

    def test_a_key_that_nobody_accounts_for_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.store(world.names.user(2, "nobody"), {"about": "{}"})
        assert before.added() == {"keys_unknown": 1}

    def test_the_key_of_an_erased_user_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.store(world.names.user(partition_of(b"u1", 4), "u1"), {"list": "{}"})
        assert before.added() == {"erased_wrong": 1, "keys_unknown": 1}

    @pytest.mark.parametrize("name", ["plays", "skips", "finishes", "followed", "preceded"])
    def test_one_in_a_tracks_counts_is_found(self, world: ReferenceWorld, before: Before, name: str) -> None:
        change_about(world, a_track_key(world), name, 1)
        assert before.added() == {"tracks_wrong": 1}

    @pytest.mark.parametrize("kind", ["artist", "album"])
    def test_one_play_and_one_track_of_an_artist_or_an_album_are_found(self, world: ReferenceWorld, before: Before, kind: str) -> None:
        key = a_track_key(world, kind)
        change_about(world, key, "plays", 1)
        assert before.added() == {"tracks_wrong": 1}
        change_about(world, key, "plays", -1)
        row = bytearray(field(world, key, "row"))
        row[8 + 64 + 8 + 32 + 256] ^= 1  # the hash of its most played track
        world.store(key, {"row": bytes(row)})
        assert before.added() == {"tracks_wrong": 1}
        world.redis.delete(key)
        assert before.added() == {"tracks_wrong": 1}

    def test_another_album_in_a_users_row_is_found(self, world: ReferenceWorld, before: Before) -> None:
        user_id = next(name for name, user in world.folds[0].users.items() if user.album and user.newest >= 0)
        key = world.names.user(0, user_id)
        row = bytearray(field(world, key, "row"))
        row[7 + int.from_bytes(row[4:8], "little")] ^= 1  # the end of the pure part
        world.store(key, {"row": bytes(row)})
        assert before.added() == {"users_wrong": 1}

    def test_one_in_a_next_table_is_found(self, world: ReferenceWorld, before: Before) -> None:
        key = a_track_key(world)
        row = bytearray(field(world, key, "row"))
        row[-1] ^= 1  # newest time of the last entry
        world.store(key, {"row": bytes(row)})
        assert before.added() == {"tracks_wrong": 1}

    def test_one_item_in_a_track_cursor_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.redis.hincrby(world.names.track_cursor(1), "applied", -1)
        assert before.added() == {"cursors_wrong": 1}

    def test_a_model_that_took_a_lesson_twice_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.redis.hincrby(world.names.model("finish", "cursor"), "applied", 1)
        assert before.added() == {"lessons_wrong": 1}

    def test_a_manifest_of_another_moment_than_its_cursor_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.redis.hincrby(world.names.model("finish", "manifest"), "version", 1)
        assert before.added()["lessons_wrong"] >= 1


class TestTopics:
    """Appended records stay, so each test judges before and after; they run behind the tests of Redis."""

    def test_a_play_that_nobody_applied_is_found_everywhere(self, world: ReferenceWorld, before: Before) -> None:
        now_ms = SystemClock().now_ms()
        body = {"event_id": uuid.uuid4().hex, "user_id": "new", "track_id": "t1", "played_at": now_ms, "reason_end": "trackdone"}
        world.produce("events", [Sent(b"new", msgspec.json.encode(body))])
        added = before.added()
        assert (added["lost"], added["lists_missing"], added["lessons_wrong"], added["transitions_wrong"]) == (1, 1, 1, 1)

    def test_a_bad_record_without_a_dead_letter_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.produce("events", [Sent(b"new", b"{")])
        assert before.added()["dead_letters_missing"] == 1

    def test_a_dead_letter_of_a_good_record_is_found(self, world: ReferenceWorld, before: Before) -> None:
        offset = next(iter(world.folds[0].due))
        told = {"topic": world.names.events, "partition": "0", "offset": str(offset), "reason": "schema", "message": "m"}
        headers = tuple((f"__dlq.errors.{name}", value.encode()) for name, value in told.items())
        world.produce("dead-letters", [Sent(b"k", b"v", headers, 0)])
        assert before.added() == {"dead_letters_wrong": 1}

    def test_a_dead_letter_without_a_reason_is_found(self, world: ReferenceWorld, before: Before) -> None:
        world.produce("dead-letters", [Sent(b"k", b"v", (("__dlq.errors.reason", b"because"),), 0)])
        assert before.added() == {"dead_letters_wrong": 1}

    def test_a_list_that_came_again_with_other_bytes_is_found_but_forgiven_after_a_rollback(
        self, world: ReferenceWorld, before: Before
    ) -> None:
        read = next(read for read in world.records("recommendations", 0) if read.value)
        assert read.value is not None
        world.produce("recommendations", [Sent(read.key, read.value.replace(b"0.5", b"0.6"), partition=0)])
        assert before.added() == {"lists_wrong": 1}
        assert before.added(rewound=True).get("lists_wrong", 0) <= 0

    def test_a_list_without_a_cause_is_found(self, world: ReferenceWorld, before: Before) -> None:
        read = next(read for read in world.records("recommendations", 1) if read.value)
        wrong = msgspec.json.decode(read.value or b"")
        wrong["cause"]["offset"] = 10**9
        wrong["recommendation_id"] = f"{INCARNATION[:4]}-1-{10**9}"
        world.produce("recommendations", [Sent(read.key, msgspec.json.encode(wrong), partition=1)])
        assert before.added()["lists_wrong"] >= 1

    def test_a_discovered_track_that_the_user_knows_is_found(self, world: ReferenceWorld, before: Before) -> None:
        partition, offset, due = next((f.rules.partition, offset, due) for f in world.folds for offset, due in f.due.items())
        del before
        wrong = {
            "recommendation_id": f"{INCARNATION[:4]}-{partition}-{offset}x",
            "user_id": due.user_id,
            "at": 0,
            "cause": {"event_id": due.event_id, "partition": partition, "offset": offset},
            "next": [],
            "discover": [{"track_id": next(iter(due.life.first_played)), "score": 0.1, "source": "own", "because": [], "propensity": 1.0}],
            "model": {"ranker": "r", "finish": None},
        }
        world.produce("recommendations", [Sent(due.user_id.encode(), msgspec.json.encode(wrong), partition=partition)])
        assert judged(world).lists_wrong >= 1

    def test_a_null_for_a_user_who_was_never_erased_is_found(self, world: ReferenceWorld, before: Before) -> None:
        user_id = next(name for name, user in world.folds[0].users.items() if user.erased_at < 0)
        world.produce("recommendations", [Sent(user_id.encode(), None, partition=0)])
        assert before.added() == {"lists_wrong": 1}

    def test_one_transition_too_many_is_found(self, world: ReferenceWorld, before: Before) -> None:
        items = world.sent_items[0][0]
        world.produce("internal.track-deltas", [Sent(None, delta_section(0, len(items) + 1, items[-1:]), partition=0)])
        added = before.added()
        assert added["transitions_wrong"] == 1 and added["cursors_wrong"] >= 1

    def test_a_transition_that_came_again_as_another_is_found(self, world: ReferenceWorld, before: Before) -> None:
        items = world.sent_items[1][0]
        other = next(item for item in items if item != items[0])
        world.produce("internal.track-deltas", [Sent(None, delta_section(1, 1, [other]), partition=0)])
        assert before.added()["transitions_wrong"] == 1

    def test_a_hole_in_the_numbers_is_found(self, world: ReferenceWorld, before: Before) -> None:
        items = world.sent_items[2][1]
        world.produce("internal.track-deltas", [Sent(None, delta_section(2, len(items) + 5, items[:1]), partition=1)])
        assert before.added()["transitions_wrong"] == 1

    def test_one_lesson_too_many_is_found(self, world: ReferenceWorld, before: Before) -> None:
        taken = msgspec.json.decode(field(world, world.names.model("finish", "cursor"), "wm"))["0"]
        world.produce("internal.lessons", [Sent(None, lesson_section(0, taken + 1, [(1, 1.0)]), partition=0)])
        assert before.added()["lessons_wrong"] == 1

    def test_a_late_list_behind_the_null_of_an_erasure_is_an_older_word_and_no_fault(self, world: ReferenceWorld, before: Before) -> None:
        """A zombie may append it; readers keep the larger offset."""
        partition = partition_of(b"u1", 4)
        late = next(read for read in world.records("recommendations", partition) if read.key == b"u1" and read.value)
        world.produce("recommendations", [Sent(late.key, late.value, partition=partition)])
        assert before.added() == {}

    def test_a_list_that_is_newer_than_the_null_of_an_erasure_is_found(self, world: ReferenceWorld, before: Before) -> None:
        partition = partition_of(b"u1", 4)
        late = next(read for read in world.records("recommendations", partition) if read.key == b"u1" and read.value)
        lists = msgspec.json.decode(late.value or b"")
        lists["cause"]["offset"] = 10**6
        world.produce("recommendations", [Sent(b"u1", msgspec.json.encode(lists), partition=partition)])
        assert before.added()["erased_wrong"] == 1

    def test_an_erasure_that_is_not_remembered_is_found(self, world: ReferenceWorld, before: Before) -> None:
        value = newest_erasure(world, "u2")
        world.produce("internal.erasures", [Sent(b"%b-%d" % (value[0].encode(), value[2]), None, partition=0)])
        assert before.added() == {"erased_wrong": 1}

    def test_an_older_erasure_behind_a_newer_one_takes_nothing_away(self, world: ReferenceWorld, before: Before) -> None:
        """A zombie may append it: each has a key of its own."""
        user, partition, _ = newest_erasure(world, "u2")
        world.produce("internal.erasures", [Sent(f"{user}-0".encode(), msgspec.json.encode([user, partition, 0]), partition=0)])
        assert before.added() == {}

    def test_an_erasure_under_a_key_that_others_share_is_found(self, world: ReferenceWorld, before: Before) -> None:
        value = newest_erasure(world, "u1")
        world.produce("internal.erasures", [Sent(value[0].encode(), msgspec.json.encode(value), partition=0)])
        assert before.added() == {"erased_wrong": 1}


def newest_erasure(world: ReferenceWorld, user_id: str) -> tuple[str, int, int]:
    """(hash, partition, offset) of the last erasure of a user by the log."""
    user = hex_hash(id_hash(user_id, world.settings.id_key))
    partition = partition_of(user_id.encode(), 4)
    return user, partition, world.folds[partition].users[user_id].erased_at
