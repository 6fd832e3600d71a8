"""`segue audit` passes what real workers made, and names every change that somebody makes behind their backs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import redis

from console.audit import audit
from console.audit_report import AuditReport
from console.chaos_load import Load
from console.cursors import drain
from console.kafka_door import Sender
from console.redis_door import State
from console.site import Workers
from infra import topics
from infra.keys import Keys
from infra.services import Addresses
from infra.settings import Settings
from streams.clock import SystemClock
from tests.oracle import judge

N_RECORDS = 6_000
pytestmark = pytest.mark.slow


class Played:
    """A namespace in which workers have applied a load, and stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self.redis = redis.Redis.from_url(settings.redis)

    def audited(self) -> AuditReport:
        return audit(self.settings, lambda _: None)

    def a_key(self, kind: str) -> str:
        """The key of the user, track, artist or album with the largest row."""
        side = "u" if kind == "user" else "t"
        keys = sorted(self.redis.scan_iter(match=f"{self.settings.namespace}:{{{side}*}}:{kind}:*", count=1_000))
        return str(max(keys, key=lambda key: len(self.redis.hget(key, "row") or b"")).decode())

    def field(self, key: str, name: str) -> bytes:
        found = self.redis.hget(key, name)
        assert isinstance(found, bytes), f"{key} has no {name}"
        return found

    def change_about(self, key: str, name: str, by: int) -> None:
        about = msgspec.json.decode(self.field(key, "about"))
        about[name] += by
        self.redis.hset(key, "about", msgspec.json.encode(about))

    def flip(self, key: str, at: int) -> None:
        row = bytearray(self.field(key, "row"))
        row[at] ^= 1
        self.redis.hset(key, "row", bytes(row))


@pytest.fixture(scope="module")
def played(services: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("audit")
    settings = msgspec.structs.replace(
        Settings(),
        namespace=f"t-audit-{uuid.uuid4().hex[:8]}",
        kafka=services.kafka,
        redis=services.redis,
        metrics_port=0,
        data_dir=str(folder),
        lessons_rate=0.3,
    )
    topics.apply(settings)
    sender = Sender(settings)
    for sent in islice(Load(7, SystemClock().now_ms(), users=200, tracks=300).records(), N_RECORDS):
        # The door of a client places every record rightly; misplaced ones are the oracle's business.
        if sent.partition < 0 and sent.key is not None and sent.value is not None:
            sender.send(f"{settings.namespace}.events", sent.key, sent.value, headers=sent.headers)
    sender.flush()
    with Workers(settings, Path(folder) / "logs", {"plays": 1, "models": 1}) as workers:
        workers.wait_ready()
        drain(State(settings), lambda _: None)
    return Played(settings)


@pytest.fixture
def restored(played: Played) -> Iterator[None]:
    """Puts every key back as it was."""
    kept = {key: played.redis.dump(key) for key in played.redis.scan_iter(match=f"{played.settings.namespace}:*", count=1_000)}
    yield
    for key in set(played.redis.scan_iter(match=f"{played.settings.namespace}:*", count=1_000)) - kept.keys():
        played.redis.delete(key)
    for key, value in kept.items():
        played.redis.restore(key, 0, value or b"", replace=True)


def broken(report: AuditReport) -> set[str]:
    return {name for name, promise in report.promises.items() if not promise.ok}


def test_what_workers_made_is_right_and_the_oracle_says_the_same(played: Played) -> None:
    report = played.audited()
    assert report.ok, report.shown()
    s = played.settings
    verdict = judge(s.kafka, s.redis, s.namespace, id_key=s.id_key, lessons_rate=s.lessons_rate)
    assert verdict.ok, verdict.errors
    assert (report.plays, report.transitions, report.lessons) == (verdict.plays, verdict.transitions, verdict.lessons)
    assert report.plays > 5_000 and report.lists == verdict.lists
    # Nobody asked anything: questions and answers are audited in test_answers_exact.py.
    assert {name for name, promise in report.promises.items() if not promise.checked} == {"P9"}


@pytest.mark.parametrize(("by", "lost", "double"), [(-1, 1, 0), (2, 0, 2)])
def test_plays_lost_or_doubled_in_a_users_words_break_promise_2(played: Played, restored: None, by: int, lost: int, double: int) -> None:
    played.change_about(played.a_key("user"), "plays", by)
    report = played.audited()
    assert (broken(report), report.lost, report.double) == ({"P2"}, lost, double)


def test_a_play_lost_in_the_counters_breaks_promise_1(played: Played, restored: None) -> None:
    played.redis.hincrby(played.keys.user_cursor(3), "applied", -1)
    report = played.audited()
    assert (broken(report), report.lost, report.double) == ({"P1"}, 1, 0)


def test_one_bit_in_a_users_history_breaks_promise_2(played: Played, restored: None) -> None:
    played.flip(played.a_key("user"), 8 + 128 + 3)
    assert broken(played.audited()) == {"P2"}


@pytest.mark.parametrize(("kind", "at"), [("track", 8), ("track", 40), ("track", -1), ("artist", 8), ("album", 8), ("album", -1)])
def test_one_bit_in_a_tracks_row_an_artists_or_an_albums_breaks_promise_3(played: Played, restored: None, kind: str, at: int) -> None:
    played.flip(played.a_key(kind), at)
    assert broken(played.audited()) == {"P3"}


def test_a_track_cursor_that_took_an_item_twice_breaks_promise_3(played: Played, restored: None) -> None:
    played.redis.hincrby(played.keys.track_cursor(0), "applied", 1)
    assert broken(played.audited()) == {"P3"}


def test_an_older_list_breaks_promise_4(played: Played, restored: None) -> None:
    key = played.a_key("user")
    found = msgspec.json.decode(played.field(key, "list"))
    found["at"] -= 1
    played.redis.hset(key, "list", msgspec.json.encode(found))
    assert broken(played.audited()) == {"P4"}


def test_a_cursor_behind_the_last_record_is_right_as_after_a_transactions_end(played: Played, restored: None) -> None:
    played.redis.hincrby(played.keys.user_cursor(2), "next", 1)
    assert played.audited().ok


def test_a_model_that_is_not_what_its_lessons_make_breaks_promise_7(played: Played, restored: None) -> None:
    manifest = played.keys.manifest("finish")
    played.redis.hset(manifest, "sha256", "0" * 64)
    assert broken(played.audited()) == {"P7"}
