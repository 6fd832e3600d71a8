"""The command against a real Kafka and Redis, without any worker: send, tail, replay, topics, doctor."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from console.cli import app
from console.trouble import Exit

LOG = "user,track,ts,session\n" + "".join(f"u{n % 5},t{n % 7},{1_421_748_000 + n},s{n % 5}\n" for n in range(400))


class Segue(NamedTuple):
    """The command, told where the services are."""

    kafka: str
    redis: str
    namespace: str

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        options = ["--kafka", self.kafka, "--redis", self.redis, "--namespace", self.namespace]
        return CliRunner().invoke(app, [*options, *arguments], input=stdin)

    def json(self, *arguments: str, stdin: str | None = None) -> Any:
        result = self.run(*arguments, "--json", stdin=stdin)
        assert result.exit_code == Exit.OK, result.output
        return json.loads(result.stdout)

    def rows(self) -> list[tuple[int, str]]:
        """(row, event id) of every event on the log, in order of rows."""
        records = self.json("tail", "events", "--from-beginning", "--no-follow")["records"]
        return sorted((record["value"]["import"]["row"], record["value"]["event_id"]) for record in records)


@pytest.fixture
def segue(kafka_address: str, redis_url: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segue:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text(LOG)
    command = Segue(kafka_address, redis_url, namespace)
    assert command.run("topics", "apply").exit_code == Exit.OK
    return command


def test_topics_applied_twice_leave_nothing_to_do(segue: Segue) -> None:
    assert segue.json("topics", "apply") == {"changes": []}
    assert segue.json("topics", "plan") == {"changes": []}


def test_an_event_that_is_sent_can_be_followed(segue: Segue) -> None:
    (sent,) = segue.json("send", "--user", "ana", "--track", "t42", "--ms-played", "1000", "--session", "s1")["sent"]
    (record,) = segue.json("tail", "events", "--from-beginning", "-n", "1")["records"]
    assert (record["partition"], record["offset"], record["key"]) == (sent["partition"], sent["offset"], "ana")
    assert record["value"]["event_id"] == sent["event_id"] == record["headers"]["ce_id"]
    assert record["headers"]["ce_type"] == "segue.play.v1"
    assert record["at"] - record["value"]["played_at"] >= 1_000


def test_json_lines_are_sent_in_order_and_a_bad_line_stops_behind_the_good_ones(segue: Segue) -> None:
    good = '{"user_id": "ana", "track_id": "t1", "event_id": "e1"}\n\n{"user_id": "ana", "track_id": "t2", "event_id": "e2"}\n'
    assert [each["event_id"] for each in segue.json("send", stdin=good)["sent"]] == ["e1", "e2"]
    result = segue.run("send", stdin='{"user_id": "ana", "track_id": "t3", "event_id": "e3"}\nnonsense\n')
    assert result.exit_code == Exit.INVALID
    assert "line 2" in result.stderr
    records = segue.json("tail", "events", "--from-beginning", "--no-follow")["records"]
    assert [record["value"]["event_id"] for record in records] == ["e1", "e2", "e3"]


def test_lines_of_a_tail_are_one_object_each(segue: Segue) -> None:
    segue.json("send", stdin='{"user_id": "ana", "track_id": "t1"}\n{"user_id": "ben", "track_id": "t1"}\n')
    result = segue.run("tail", "events", "--from-beginning", "--no-follow", "--jsonl")
    assert {json.loads(line)["key"] for line in result.stdout.splitlines()} == {"ana", "ben"}


def test_a_topic_of_a_namespace_that_was_never_applied_names_the_command(segue: Segue) -> None:
    other = segue._replace(namespace="nobody-was-here")
    for arguments in (("tail", "events"), ("send", "--user", "ana", "--track", "t1"), ("replay", "log.csv")):
        result = other.run(*arguments)
        assert result.exit_code == Exit.FAILURE
        assert "next: segue topics apply" in result.stderr


def test_a_replay_sends_every_row_once_and_a_second_one_sends_the_same_rows_again(segue: Segue) -> None:
    assert segue.json("replay", "log.csv")["sent"] == 400
    first = segue.rows()
    assert [row for row, _ in first] == list(range(1, 401))
    assert segue.json("replay", "log.csv")["sent"] == 400
    assert set(segue.rows()) == set(first)


def test_an_interrupted_replay_goes_on_behind_the_acknowledged_rows(segue: Segue) -> None:
    assert segue.json("replay", "log.csv", "--stop-after", "150")["sent"] == 150
    went_on = segue.json("replay", "log.csv")
    assert (went_on["resumed_at"], went_on["sent"]) == (150, 250)
    assert [row for row, _ in segue.rows()] == list(range(1, 401))


def test_a_replay_that_goes_on_with_other_columns_is_refused_until_it_is_told_to_restart(segue: Segue) -> None:
    segue.json("replay", "log.csv", "--stop-after", "10")
    result = segue.run("replay", "log.csv", "--map", "track_id=session")
    assert result.exit_code == Exit.REFUSED
    assert "next: segue replay log.csv --restart" in result.stderr
    assert segue.json("replay", "log.csv", "--map", "track_id=session", "--restart")["sent"] == 400


def test_a_checkpoint_of_another_log_is_not_believed(segue: Segue) -> None:
    segue.json("replay", "log.csv", "--stop-after", "10")
    (checkpoint,) = (Path(".segue") / "replays").glob("*.json")
    content = json.loads(checkpoint.read_bytes())
    checkpoint.write_text(json.dumps({**content, "offsets": {"0": 1_000_000}}))
    assert segue.json("replay", "log.csv")["resumed_at"] == 0


def test_a_damaged_checkpoint_is_named(segue: Segue) -> None:
    segue.json("replay", "log.csv", "--stop-after", "10")
    (checkpoint,) = (Path(".segue") / "replays").glob("*.json")
    checkpoint.write_text("{")
    result = segue.run("replay", "log.csv")
    assert result.exit_code == Exit.INVALID
    assert "--restart" in result.stderr


def test_a_rate_is_kept(segue: Segue) -> None:
    begun_s = time.monotonic()
    segue.json("replay", "log.csv", "--rate", "400")
    assert 0.8 < time.monotonic() - begun_s < 10


def _checks(segue: Segue) -> dict[str, Any]:
    result = segue.run("doctor", "--json")
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]} | {"exit": result.exit_code}


def test_doctor_passes_sound_services(segue: Segue) -> None:
    segue.json("send", "--user", "ana", "--track", "t1")
    checks = _checks(segue)
    for name in (
        "packages",
        "kafka",
        "topics",
        "partitioner",
        "redis",
        "redis memory",
        "redis aof",
        "clock",
        "lag",
        "tracks to clean",
        "users to clean",
    ):
        assert checks[name]["status"] == "PASS", checks[name]
    assert checks["exit"] == Exit.OK


def test_doctor_sees_a_producer_with_another_partitioner(segue: Segue) -> None:
    producer = Producer({"bootstrap.servers": segue.kafka})  # its default places by CRC32
    for n in range(20):
        producer.produce(f"{segue.namespace}.events", b"{}", f"user-{n}".encode())
    producer.flush()
    checks = _checks(segue)
    assert checks["partitioner"]["status"] == "FAIL"
    assert "murmur2_random" in checks["partitioner"]["fix"]
    assert checks["exit"] == Exit.FAILURE


def test_doctor_sees_a_catalogue_that_nobody_cleans(segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("track_id,title\nt1,Vltava\n")
    result = segue.run("import", "catalogue", str(tmp_path / "tracks.csv"))
    assert "segue worker catalogue" in result.stdout
    checks = _checks(segue)
    assert (checks["tracks to clean"]["status"], checks["tracks to clean"]["fix"]) == ("WARN", "segue worker catalogue")
    assert checks["users to clean"]["status"] == "PASS"


def test_doctor_sees_missing_topics(segue: Segue) -> None:
    checks = _checks(segue._replace(namespace="nobody-was-here"))
    assert (checks["topics"]["status"], checks["topics"]["fix"]) == ("FAIL", "segue topics apply")


@pytest.fixture
def careless(redis_url: str) -> Iterator[None]:
    """Redis as it must not be, put right afterwards."""
    client = redis.Redis.from_url(redis_url)
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "no")
    yield
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("appendonly", "yes")
    client.close()


@pytest.mark.usefixtures("careless")
def test_doctor_sees_a_redis_that_forgets(segue: Segue) -> None:
    checks = _checks(segue)
    assert checks["redis memory"]["status"] == checks["redis aof"]["status"] == "FAIL"
    assert "noeviction" in checks["redis memory"]["fix"]
    assert "appendonly yes" in checks["redis aof"]["fix"]


def test_policies_are_estimated_from_the_topics_as_from_files(segue: Segue, tmp_path: Path) -> None:
    lists: list[dict[str, Any]] = []
    for n in range(60):
        entries = [{"track_id": f"t{n}-{k}", "propensity": 0.005 if k == n % 4 else 0.9} for k in range(8)]
        made = {"recommendation_id": f"L{n}", "user_id": f"u{n % 6}", "cause": {"event_id": f"e{n}"}, "next": [], "discover": entries}
        lists.append(made | {"explore": {"share": 0.1, "places": [n % 4], "candidates": 20}})
    events = [{"event_id": f"e{n}", "user_id": f"u{n % 6}", "track_id": "own"} for n in range(60)]
    events += [
        {"event_id": f"f{n}", "user_id": f"u{n % 6}", "track_id": f"t{n}-{n % 3}", "recommendation_id": f"L{n}"} for n in range(0, 60, 2)
    ]
    producer = Producer({"bootstrap.servers": segue.kafka, "partitioner": "murmur2_random"})
    for topic, values in (("recommendations", lists), ("events", events)):
        (tmp_path / topic).write_text("".join(json.dumps(value) + "\n" for value in values))
        for value in values:
            told = {**value, "event_id": ""} if topic == "events" else value
            headers = [("ce_id", str(value.get("event_id", "")).encode())]
            producer.produce(f"{segue.namespace}.{topic}", json.dumps(told), str(value["user_id"]), headers=headers)
    producer.produce(f"{segue.namespace}.recommendations", None, "gone")
    producer.produce(f"{segue.namespace}.events", b"no event", "u1")
    assert producer.flush(10) == 0
    files = ("--recommendations", str(tmp_path / "recommendations"), "--events", str(tmp_path / "events"))
    from_files, from_topics = (segue.json("evaluate", "policy", *how, "--targets", "shown,greedy,uniform") for how in (files, ()))
    assert from_topics["exploring"] == 60 and from_topics["n_hits"] == 30
    for name, found in from_topics["targets"].items():
        # The order of users is another, and so is what is drawn of them.
        assert found["ips"][1] == from_files["targets"][name]["ips"][1] > 0
