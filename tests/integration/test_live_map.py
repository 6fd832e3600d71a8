"""`segue map` without a file, over a real Redis that holds users' rows, catalogue rows and what the models said of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import redis
from typer.testing import CliRunner

from console import listening
from console.catalogue_state import place_of
from console.cli import app
from console.trouble import Exit
from infra.keys import Keys
from online_models.clusters.served import Cluster, Placed
from online_models.clusters.served import Served as ServedClusters
from online_models.maps.served import Lies, Served
from online_models.segments import kinds
from online_models.segments.listeners import SegmentsModel
from tests.listening_of_known_habits import listening as lessons
from tests.recorded_log import SETTINGS, RecordedLog, audience_log

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def recorded(redis_url: str) -> Iterator[RecordedLog]:
    """What a plays worker wrote; half of the tracks are in the catalogue and on the map."""
    settings = msgspec.structs.replace(SETTINGS, namespace="t-map", redis=redis_url)
    world = asyncio.run(RecordedLog(audience_log(300, 8), settings).run())
    client = redis.Redis.from_url(redis_url)
    written: dict[str, Any] = dict(world.store.redis.snapshot().values)
    keys, place = Keys(settings.namespace), place_of(settings, users=False)
    written[place.cursors[0]] = {"applied": b"1"}
    for n, track in enumerate(sorted({play["track_id"] for play in world.events})[::2]):
        row = {"track_id": track, "title": f"Song {n}", "artist": "Ana", "genre": ("rock", "pop")[n % 2]}
        written[place.row_key(track)] = {"row": msgspec.json.encode(row)}
        written[keys.answer("map", track)] = msgspec.json.encode(Lies((n % 2 + 0.0, 0.0), (n % 2 + 0.0, 0.0, 2.0), 3, 100))
        written[keys.answer("micro_genres", track)] = msgspec.json.encode(Placed(n % 2, 100))
    clusters = [Cluster(i, f"cluster {i}", 1, 0.5, "", {}, [], []) for i in range(2)]
    written[keys.serving("micro_genres")] = msgspec.json.encode(ServedClusters("micro_genres", 1, 100, 1, clusters, []))
    written[keys.serving("map")] = msgspec.json.encode(Served("map", 1, 100, 100, 3, 0.25, 0.125, 1.0, 0.0))
    segments = SegmentsModel()
    for lesson in lessons(900, 6):
        segments.learn_one(*lesson)
    rng = np.random.default_rng(2)
    for _ in range(kinds.FIRST_N):
        segments.minds.kinds.learn_one(dict(zip(kinds.FEATURES, rng.uniform(0.0, 2.0, len(kinds.FEATURES)).tolist(), strict=True)))
    written[keys.serving("segments")] = segments.serving(1)
    for key, value in written.items():
        if isinstance(value, bytes):
            client.set(key, value)
        else:
            client.hset(key, items=[part for pair in value.items() for part in pair])
    yield world
    client.delete(*written)
    client.close()


@pytest.fixture
def ask(recorded: RecordedLog) -> Ask:
    """Runs a command; returns its exit code and its one JSON object."""
    s = recorded.settings
    environment = {"SEGUE_EVENTS_PARTITIONS": str(s.events_partitions), "SEGUE_DELTAS_PARTITIONS": str(s.deltas_partitions)}

    def run(*arguments: str, namespace: str = s.namespace) -> tuple[int, Any]:
        options = ["--redis", s.redis, "--kafka", "127.0.0.1:1", "--namespace", namespace]
        result = CliRunner(env=environment).invoke(app, [*options, *arguments, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, json.loads(result.stdout)

    return run


def drawn(page: Path) -> dict[str, Any]:
    """What a page holds."""
    text = page.read_text()
    start = text.index('{"dims"')
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text[start:])[0]
    return found


def test_tracks_lie_where_the_model_said(recorded: RecordedLog, ask: Ask, tmp_path: Path) -> None:
    n = len(sorted({play["track_id"] for play in recorded.events})[::2])
    page = tmp_path / "map.html"
    code, told = ask("map", "--out", str(page))
    assert (code, told["tracks"], told["stress"], told["groups"]) == (Exit.OK, n, 0.25, {"rock": (n + 1) // 2, "pop": n // 2})
    found = drawn(page)
    assert found["names"][0].startswith("Ana - Song ") and sorted(set(found["at"][1::2])) == [0.0]
    code, told = ask("map", "--out", str(tmp_path / "map.png"), "--colour", "micro-genre", "--dims", "3")
    assert (code, told["stress"], set(told["groups"])) == (Exit.OK, 0.125, {"cluster 0", "cluster 1"})
    assert (tmp_path / "map.png").read_bytes()[1:4] == b"PNG"


def test_people_lie_among_their_newest_tracks(recorded: RecordedLog, ask: Ask, tmp_path: Path) -> None:
    page = tmp_path / "users.html"
    code, told = ask("map", "--users", "--out", str(page))
    found = drawn(page)
    assert code == Exit.OK and told["users"] == len(found["names"]) > 4 and set(found["names"]) <= set(recorded.of_user())
    assert set(told["groups"]) <= {"rock", "pop"} and len(set(found["at"][::2])) > 2, "between the two places"


def test_people_are_coloured_by_the_segments_that_the_user_command_tells(
    recorded: RecordedLog, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "segments.html"
    said = {user: ask("user", user)[1]["segments"] for user in recorded.of_user()}
    chances = sorted(it["exploring"]["probability"] for it in said.values())
    even = (chances[0] + chances[-1]) / 2.0
    monkeypatch.setattr(listening, "EVEN", even)  # all of this small world explore more than not
    code, told = ask("map", "--users", "--colour", "segment", "--out", str(page))
    found = drawn(page)
    names = [group["name"] for group in found["groups"]]
    assert code == Exit.OK and told["users"] == sum(told["groups"].values()) > 4 and len(names) > 1
    for user, group in zip(found["names"], found["group"], strict=True):
        likely = [target for target in listening.SEGMENTS if said[user][target]["probability"] > even]
        assert names[group] == (" and ".join(likely) or "neither")


def test_people_are_coloured_by_the_kind_that_the_user_command_tells(recorded: RecordedLog, ask: Ask, tmp_path: Path) -> None:
    page = tmp_path / "kinds.html"
    code, told = ask("map", "--users", "--colour", "kind", "--out", str(page))
    found = drawn(page)
    names = [group["name"] for group in found["groups"]]
    assert code == Exit.OK and told["users"] == len(found["names"]) > 4
    for user, group in zip(found["names"], found["group"], strict=True):
        assert names[group] == ask("user", user)[1]["segments"]["kind"]["name"]


def test_tracks_are_in_no_segment(ask: Ask, tmp_path: Path) -> None:
    code, told = ask("map", "--colour", "segment", "--out", str(tmp_path / "x.html"))
    assert (code, told["error"]["next"]) == (Exit.USAGE, f"segue map --users --colour segment --out {tmp_path / 'x.html'}")


def test_without_a_map_it_is_said_what_comes_first(ask: Ask, tmp_path: Path) -> None:
    code, told = ask("map", "--out", str(tmp_path / "x.html"), namespace="t-map-none")
    assert (code, told["error"]["next"]) == (Exit.FAILURE, "segue import catalogue FILE")
    code, told = ask("map", "some.csv", "--users", "--out", str(tmp_path / "x.html"))
    assert (code, told["error"]["next"]) == (Exit.USAGE, f"segue map --users --out {tmp_path / 'x.html'}")
