"""The catalogue worker on real services: killed again and again during an import, what it leaves is what its log says."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import psutil
import pytest
import redis
from typer.testing import CliRunner

from console.cli import app
from console.decode import as_bytes
from console.kafka_door import Sender, end_offsets, records
from infra import topics
from infra.fenced import encode
from infra.keys import Keys
from infra.settings import Settings, child_environment
from streams.catalogue_intake import KINDS, TRACKS, Kind
from streams.catalogue_lessons import registered
from streams.catalogue_rows import ROW_FIELDS, CataloguePartition
from streams.ports import Outgoing
from streams.sections import admit, read_sections
from tests.catalogue_log import messy_tracks
from tests.events_log import Appended

ROOT = Path(__file__).parents[2]
N_RECORDS, N_IDS, KILLS, PAUSE_S = 4_000, 900, 4, 0.25


@pytest.fixture
def settings(kafka_address: str, redis_url: str, namespace: str, tmp_path: Path) -> Settings:
    return Settings(
        namespace=namespace,
        kafka=kafka_address,
        redis=redis_url,
        metrics_port=0,
        data_dir=str(tmp_path),
        events_partitions=2,
        catalogue_partitions=3,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis) as client:
        yield client


@pytest.fixture
def supervisor(settings: Settings) -> Iterator[psutil.Process]:
    topics.apply(settings)
    process = subprocess.Popen([sys.executable, "-m", "console", "worker", "catalogue"], cwd=ROOT, env=child_environment(settings.to_env()))
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def wait_for(what: str, seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what} not within {seconds} s"
        time.sleep(0.05)


def produce(settings: Settings) -> None:
    """A messy catalogue and some users, slowly enough that a worker dies in the middle of it."""
    sender = Sender(settings)
    for n, (key, value) in enumerate(messy_tracks(N_RECORDS, seed=17, ids=N_IDS)):
        sender._producer.produce(f"{settings.namespace}.tracks", value, key)
        if n % 10 == 0:
            user = f"u{n % 70}"
            sender.send(
                f"{settings.namespace}.users",
                user.encode(),
                b'{"user_id":"%b","country":"Deutschland","age":"%d Jahre"}' % (user.encode(), n % 90),
            )
        if n % 50 == 49:
            sender.flush()
            time.sleep(PAUSE_S)
    sender.flush()


def log_of(settings: Settings, kind: Kind) -> dict[int, list[Appended]]:
    topic = f"{settings.namespace}.{kind.topic}"
    logs: dict[int, list[Appended]] = {p: [] for p in range(len(end_offsets(settings, topic)))}
    for message in records(settings, topic, from_beginning=True, follow=False):
        p, offset = message.partition() or 0, message.offset() or 0
        logs[p].append(Appended(message.key(), message.value(), (), message.timestamp()[1], offset, p, topic))
    return logs


class Expected(NamedTuple):
    """What one undisturbed round over the whole log of a partition writes."""

    cursor: str
    fields: dict[bytes, bytes]
    hashes: dict[str, dict[bytes, bytes]]
    letters: list[Outgoing]
    lessons: dict[tuple[int, int], list[bytes]]
    """By lessons partition and source."""


def folded(settings: Settings, kind: Kind, n: int, log: list[Appended]) -> Expected:
    partition = CataloguePartition(
        Keys(settings.namespace),
        kind,
        n,
        "",
        {"incarnation": b"00000000", "next": b"0"},
        {},
        {},
        partition_count=settings.catalogue_partitions if kind is TRACKS else settings.events_partitions,
        letters_partitions=settings.events_partitions,
        pupils=registered(settings.lessons_partitions) if kind is TRACKS else {},
    )
    made = partition.take(log)
    hashes = {row[0]: dict(zip(map(encode, ROW_FIELDS), map(encode, row[1:]), strict=True)) for row in made.call.rows}
    for command in made.call.commands:
        if command.verb == "HSET":
            parts = list(map(encode, command.args))
            hashes[command.key] = dict(zip(parts[0::2], parts[1::2], strict=True))
    fields = {encode(name): encode(value) for name, value in made.call.cursor_fields.items()} | {b"next": encode(made.call.end)}
    letters = [record for record in made.records if record.topic.endswith(".dead-letters")]
    lessons = lessons_in((r.partition or 0, r.value or b"") for r in made.records if r.topic.endswith(".internal.lessons"))
    return Expected(partition.cursor, fields, hashes, letters, lessons)


def lessons_in(sent: Iterable[tuple[int, bytes]]) -> dict[tuple[int, int], list[bytes]]:
    """What models take of these records (partition, value): each number once, and none is missing."""
    taken: dict[tuple[int, int], list[bytes]] = {}
    for partition, value in sent:
        for section in read_sections(value):
            mine = taken.setdefault((partition, section.source), [])
            mine += bytes(section.body).split(b"\n")[admit(section, len(mine)) :]
    return taken


Place = tuple[bytes, bytes, bytes]


def place(headers: Iterable[tuple[str, bytes | None]]) -> Place:
    """Which record a dead letter is of."""
    told = dict(headers)
    return tuple(told[f"__dlq.errors.{name}"] or b"" for name in ("topic", "partition", "offset"))  # type: ignore[return-value]


def letters_of(settings: Settings) -> dict[Place, bytes | None]:
    seen: dict[Place, bytes | None] = {}
    for message in records(settings, f"{settings.namespace}.dead-letters", from_beginning=True, follow=False):
        value = as_bytes(message.value())
        assert seen.setdefault(place(message.headers() or []), value) == value, "sent again with the same bytes"
    return seen


def kill_it_again_and_again(supervisor: psutil.Process, taken: Callable[[], int]) -> None:
    chance = Random(5)
    for _ in range(KILLS):
        before = taken()
        wait_for("records taken by the new worker", 30, lambda before=before: taken() > before)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.2))
        children = supervisor.children()
        assert children, "a supervisor has a worker"
        for child in children:
            child.send_signal(signal.SIGKILL)


def test_a_worker_that_is_killed_again_and_again_ends_with_the_rows_of_its_log(
    settings: Settings, client: redis.Redis, supervisor: psutil.Process
) -> None:
    keys = Keys(settings.namespace)
    cursors = [keys.clean_cursor("c", n) for n in range(settings.catalogue_partitions)]
    wait_for("a first claim", 60, lambda: all(client.hexists(cursor, "next") for cursor in cursors))
    producing = threading.Thread(target=produce, args=(settings,))
    producing.start()
    kill_it_again_and_again(supervisor, lambda: sum(int(client.hget(cursor, "next") or 0) for cursor in cursors))
    assert producing.is_alive(), "the last kill came before the end of the import"
    producing.join()

    expected = [folded(settings, kind, n, log) for kind in KINDS for n, log in log_of(settings, kind).items()]
    for it in expected:
        wait_for(f"the end of {it.cursor}", 60, lambda it=it: client.hget(it.cursor, "next") == it.fields[b"next"])  # type: ignore[misc]
        assert it.fields.items() <= client.hgetall(it.cursor).items(), it.cursor
        assert {key: client.hgetall(key) for key in it.hashes} == it.hashes
    standing = {key.decode() for key in client.scan_iter(f"{settings.namespace}:*") if not key.endswith(b":pending")}
    assert standing == {keys.meta()} | {key for it in expected for key in (it.cursor, *it.hashes)}, "and no other row"

    topic = f"{settings.namespace}.internal.lessons"
    sent = lessons_in((m.partition() or 0, as_bytes(m.value()) or b"") for m in records(settings, topic, from_beginning=True, follow=False))
    assert sent == {key: lessons for it in expected for key, lessons in it.lessons.items()}
    assert {partition for partition, _ in sent} == set(registered(settings.lessons_partitions).values())

    letters = {place(letter.pairs()): letter.value for it in expected for letter in it.letters}
    assert letters_of(settings) == letters and len(letters) > 100


def test_a_file_is_imported_and_can_be_looked_at(
    settings: Settings, client: redis.Redis, supervisor: psutil.Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "tracks.csv"
    path.write_text(
        "id,name,artist,genre,bpm\n" + "".join(f"t{n},Song {n},Metallica,Hip-Hop,{n + 30} bpm\n" for n in range(200)) + "t1,,,,77\n"
    )

    def segue(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    shown = segue("import", "catalogue", str(path), "--map", "tempo=bpm", "--wait")
    counted = (shown["rows"], shown["tracks"], shown["sent"], shown["applied"], shown["withdrawn"], shown["rejected"], shown["workers"])
    assert counted == (201, 200, 200, 200, 0, 0, 1)
    row = segue("track", "t1")["catalogue"]
    assert (row["title"], row["genre"], row["features"]) == ("Song 1", "hip hop", {"tempo": 77.0})
    assert {"field": "genre", "rule": "one_form", "before": "Hip-Hop", "after": "hip hop"} in row["corrected"]
    report = segue("quality", "catalogue")
    assert report["records"] == {"applied": 200, "withdrawn": 0, "rejected": 0}
    (unit,) = [it for it in report["corrected"] if (it["field"], it["rule"]) == ("tempo", "unit")]
    assert unit["values"] == 199 and len(unit["examples"]) == 3
    again = segue("import", "catalogue", str(path), "--map", "tempo=bpm", "--wait")
    assert again["applied"] == 200 and segue("track", "t1")["catalogue"]["features"] == {"tempo": 77.0}
    (tmp_path / "users.csv").write_text("user,country,age\nana,Deutschland,31\n")
    assert segue("import", "catalogue", str(tmp_path / "users.csv"), "--users", "--wait")["applied"] == 1
    attributes = segue("user", "ana")["attributes"]
    assert (attributes["country"], attributes["age"], segue("quality", "catalogue", "--users")["rows"]) == ("DE", 31, 1)
    places = segue("where", "t1")
    assert places["catalogue"]["exists"] and not places["attributes"]["exists"]
