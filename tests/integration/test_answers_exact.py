"""The answers worker on real services: killed again and again while it is asked, every question has an answer under one id."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
import psutil
import pytest
import redis
from typer.testing import CliRunner

from console.audience import Audience, TimeLapse, event
from console.audit import audit
from console.cli import app
from console.decode import as_bytes
from console.kafka_door import Delivered, Sender, records
from console.site import Workers
from console.trouble import Exit
from infra import topics
from infra.keys import Keys
from infra.services import Addresses
from infra.settings import Settings
from streams.answering import answer_id
from streams.clock import SystemClock
from streams.contract import Answer
from tests.oracle.judge import judge

N_PLAYS, N_USERS, N_QUESTIONS, KILLS, PAUSE_S = 2_000, 20, 60, 4, 0.15
POINT = "answered-not-noted"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Live:
    """A namespace with plays and answers workers, and an audience that was heard."""

    def __init__(self, settings: Settings, workers: Workers) -> None:
        self.settings, self.workers = settings, workers
        self.keys = Keys(settings.namespace)
        self.redis = redis.Redis.from_url(settings.redis)
        self.sender = Sender(settings)
        self.users: list[str] = []
        self.tracks: list[str] = []

    def play(self, n: int) -> None:
        lapse = TimeLapse(SystemClock().now_ms() - 86_400_000, 1.0)
        for listen in islice(Audience(5, n_users=N_USERS).listens(), n):
            body = dict(event(listen, lapse, run="r"))
            self.users.append(body["user_id"])
            self.tracks.append(body["track_id"])
            self.send(body)
        self.sender.flush()

    def send(self, body: dict[str, object], then: Callable[[Delivered], None] | None = None) -> None:
        self.sender.send(f"{self.settings.namespace}.events", str(body["user_id"]).encode(), msgspec.json.encode(body), then=then)

    def answers(self) -> dict[str, list[Answer]]:
        """All copies by id."""
        found: dict[str, list[Answer]] = defaultdict(list)
        for message in records(self.settings, f"{self.settings.namespace}.answers", from_beginning=True, follow=False):
            answer = msgspec.json.decode(as_bytes(message.value()) or b"", type=Answer)
            assert message.key() == answer.user_id.encode() and message.partition() == answer.cause.partition
            found[answer.answer_id].append(answer)
        return dict(found)

    def incarnation(self) -> str:
        incarnation = self.redis.hget(self.keys.meta(), "incarnation")
        assert isinstance(incarnation, bytes)
        return incarnation.decode()

    def answered(self) -> int:
        cursors = [self.keys.answers_cursor(p) for p in range(self.settings.events_partitions)]
        return sum(int(self.redis.hget(cursor, "applied") or 0) for cursor in cursors)

    def kill(self) -> None:
        for child in psutil.Process(self.workers.children["answers"].pid).children():
            child.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def live(services: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("answers")
    settings = Settings(
        namespace="t-answers-" + folder.name[-8:].strip("-").lower(),
        kafka=services.kafka,
        redis=services.redis,
        metrics_port=0,
        data_dir=str(folder),
        events_partitions=3,
        deltas_partitions=2,
        fail_points=POINT,
    )
    topics.apply(settings)
    (folder / "fail").mkdir()
    with Workers(settings, folder / "logs", {"plays": 1, "answers": 1}) as workers:
        workers.wait_ready()
        world = Live(settings, workers)
        world.play(N_PLAYS)
        yield world
        workers.check()


def wait_for(what: str, seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what} not within {seconds} s"
        time.sleep(0.05)


def ask(live: Live, places: dict[str, Delivered], enough: threading.Event) -> None:
    """Questions among plays, each with an id of its own, until it is enough; notes where they lie."""
    rng = Random(3)
    for n in itertools.count():
        if enough.is_set() and n >= N_QUESTIONS:
            return
        user = rng.choice(live.users)
        start = rng.choice(({}, {"track_id": rng.choice(live.tracks)}, {"track_id": "nobody knows it"}))
        question = {"type": "radio", "event_id": f"q{n}", "user_id": user, "n": rng.randint(5, 40), **start}
        live.send(question, lambda at, n=n: places.__setitem__(f"q{n}", at))  # type: ignore[misc]
        live.send({"event_id": f"p{n}", "user_id": user, "track_id": rng.choice(live.tracks), "played_at": SystemClock().now_ms()})
        live.sender.flush()
        time.sleep(PAUSE_S)


def test_a_worker_that_is_killed_again_and_again_answers_every_question_under_one_id(live: Live) -> None:
    places: dict[str, Delivered] = {}
    enough = threading.Event()
    asking = threading.Thread(target=ask, args=(live, places, enough), daemon=True)
    asking.start()
    fail = Path(live.settings.data_dir) / "fail" / POINT
    for n in range(KILLS):
        before = live.answered()
        wait_for("an answer of the new worker", 60, lambda before=before: live.answered() > before)  # type: ignore[misc]
        if n % 2:
            live.kill()
        else:
            # It dies when the answer is published and the cursor does not know it yet.
            fail.touch()
            wait_for("a death between publishing and noting", 30, lambda: not fail.exists())
    enough.set()
    asking.join(timeout=60)
    wait_for("all questions", 90, lambda: live.answered() >= len(places))
    found, incarnation = live.answers(), live.incarnation()
    assert found.keys() == {answer_id(incarnation, at.partition, at.offset) for at in places.values()}
    for copies in found.values():
        # A copy may say something else, an answer where there was none yet: tracks' rows went on. It answers the same question.
        assert {(a.user_id, a.cause.event_id) for a in copies} == {(copies[0].user_id, copies[0].cause.event_id)}
        assert all(a.entries or a.error for a in copies)
    assert sum(map(len, found.values())) >= len(places) + KILLS // 2, "each death between publishing and noting answered again"
    assert live.answered() == len(places) >= N_QUESTIONS, "and counted once"


def test_the_command_asks_by_an_event_and_waits(live: Live) -> None:
    user, track = live.users[-1], Counter(live.tracks).most_common(1)[0][0]
    options = ["--kafka", live.settings.kafka, "--redis", live.settings.redis, "--namespace", live.settings.namespace]

    def segue(*arguments: str) -> tuple[int, str]:
        result = CliRunner(env={"SEGUE_DATA_DIR": live.settings.data_dir}).invoke(app, [*options, "radio", *arguments])
        return result.exit_code, result.stdout

    code, out = segue("--user", user, "--track", track, "--length", "7", "--by-event", "--json")
    told = json.loads(out)
    assert code == Exit.OK, out
    assert len(told["entries"]) == 7 and told["seed"] == {"track_id": track} and 0 < told["waited_s"] < 30, out
    code, out = segue("--user", user, "--length", "3", "--by-event")
    assert code == Exit.OK and f"radio for {user} from their session" in out
    code, out = segue("--user", user, "--track", "nobody knows it", "--by-event", "--json")
    assert code == Exit.FAILURE and json.loads(out)["error"]["message"].startswith("unknown_track")
    code, out = segue("--track", track, "--by-event", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (Exit.USAGE, Exit.USAGE)


def test_audit_and_oracle_find_every_answer_and_miss_one_that_is_not_there(live: Live) -> None:
    before, gone = live.answered(), live.users[0]
    asking: list[dict[str, object]] = [
        {"type": "radio", "event_id": f"a{n}", "user_id": user} for n, user in enumerate(dict.fromkeys(live.users))
    ]
    for question in asking:
        live.send(question)
    live.send({"type": "erase", "event_id": "x", "user_id": gone})
    live.sender.flush()
    wait_for("the answers", 60, lambda: live.answered() == before + len(asking))
    report = audit(live.settings, lambda _: None)
    assert report.promises["P9"].ok and report.promises["P9"].checked >= len(asking) and report.promises["P1"].ok, report.promises
    verdict = judge(live.settings.kafka, live.settings.redis, live.settings.namespace)
    assert verdict.ok and verdict.answers >= len(asking) - 1, verdict
    # A question that the cursor passed over.
    done = live.answered()
    live.workers.children["answers"].stop()
    live.send({"type": "radio", "event_id": "unanswered", "user_id": live.users[-1]})
    live.sender.flush()
    places = {p: int(live.redis.hget(live.keys.user_cursor(p), "next") or 0) for p in range(live.settings.events_partitions)}
    wait_for(
        "the plays worker",
        30,
        lambda: {p: int(live.redis.hget(live.keys.user_cursor(p), "next") or 0) for p in places} != places,
    )
    for p in places:
        live.redis.hset(live.keys.answers_cursor(p), "next", int(live.redis.hget(live.keys.user_cursor(p), "next") or 0))
    missing = audit(live.settings, lambda _: None).promises["P9"]
    assert missing.broken == 1 and "'unanswered'" in missing.differences[0]
    assert judge(live.settings.kafka, live.settings.redis, live.settings.namespace).answers_missing == 1
    assert live.answered() == done
    live.workers.children["answers"].start()
