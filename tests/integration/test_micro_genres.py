"""Micro-genres on real services: a catalogue is imported, clusters grow out of it, everything about them can be looked at, and the ranker
sees them."""

from __future__ import annotations

import csv
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from console.cli import app
from console.site import Workers
from console.trouble import Exit
from infra import topics
from infra.services import Addresses
from infra.settings import Settings
from online_models.clusters.micro_genres import FIRST_N
from streams.clock import SystemClock
from tests.tracks_of_known_genre import tracks

N_TRACKS = FIRST_N + 300
COME_S = 90.0

Asked = tuple[int, Any]


@pytest.fixture
def settings(services: Addresses, tmp_path: Path) -> Iterator[Settings]:
    """A namespace with one worker of each kind."""
    settings = msgspec.structs.replace(
        Settings(), namespace=f"t-micro-{os.getpid()}", kafka=services.kafka, redis=services.redis, data_dir=str(tmp_path), metrics_port=0
    )
    topics.apply(settings)
    with Workers(settings, tmp_path / "logs", {"catalogue": 1, "models": 1, "plays": 1}) as workers:
        yield settings
        workers.check()


@pytest.fixture
def ask(settings: Settings) -> Callable[..., Asked]:
    """Runs a command; its exit code and its one JSON object."""
    options = ["--kafka", settings.kafka, "--redis", settings.redis, "--namespace", settings.namespace]

    def run(*arguments: str, lines: str | None = None) -> Asked:
        result = CliRunner(env={"SEGUE_DATA_DIR": settings.data_dir}).invoke(app, [*options, *arguments, "--json"], input=lines)
        return result.exit_code, json.loads(result.stdout)

    return run


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + COME_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {COME_S} s"
        time.sleep(0.2)


def assert_the_ranker_sees_them(ask: Callable[..., Asked], rows: list[dict[str, Any]]) -> None:
    """People play, most of it of one genre each; workers ask where tracks are between rounds, so it takes more than one."""
    of = {genre: [str(row["track_id"]) for row in rows if row["genre"] == genre][:12] for genre in ("rock", "dance")}
    begun_ms, n = SystemClock().now_ms() - 86_400_000, itertools.count()

    def heard(user: str, track: str) -> dict[str, Any]:
        k = next(n)
        said = {"event_id": f"taste-{k}", "user_id": user, "track_id": track, "played_at": begun_ms + 10_000 * k}
        return {**said, "ms_played": 200_000, "duration_ms": 210_000, "session_id": f"{user}-s"}

    def sees() -> bool:
        users = {f"{genre}-{u}": [*of[genre], *of[other][:3]] for genre, other in (("rock", "dance"), ("dance", "rock")) for u in range(3)}
        plays = [heard(user, tracks[(step * 5 + len(user)) % len(tracks)]) for step in range(8) for user, tracks in users.items()]
        assert ask("send", lines="".join(json.dumps(play) + "\n" for play in plays))[0] == Exit.OK
        code, learned = ask("ranker", "show")
        return code == Exit.OK and all(any(learned["stage_2"][name]) for name in ("genre_share", "micro_share"))

    _until(sees)
    listed = ask("recommend", "rock-0")[1]["next"][0]["track_id"]
    leans = ask("why", "rock-0", listed)[1]["leans"]
    assert leans["genre"] in of and leans["genre_share"] > (0.5 if leans["genre"] == "rock" else 0.0)


@pytest.mark.timeout(400)
def test_a_catalogue_that_is_imported_falls_into_micro_genres(settings: Settings, ask: Callable[..., Asked], tmp_path: Path) -> None:
    code, refused = ask("micro-genres")
    assert (code, refused["error"]["next"]) == (Exit.FAILURE, "segue import catalogue FILE")
    rows = [{**values, "genre": genre} for values, genre in tracks(N_TRACKS, seed=8)]
    path = tmp_path / "tracks.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted({name for row in rows for name in row}))
        writer.writeheader()
        writer.writerows(rows)
    code, sent = ask("import", "catalogue", str(path), "--wait")
    assert (code, sent["applied"], sent["rejected"]) == (Exit.OK, N_TRACKS, 0)

    def learned() -> bool:
        code, found = ask("micro-genres")
        return code == Exit.OK and found["tracks"] == N_TRACKS

    _until(learned)
    found = ask("micro-genres")[1]
    clusters = {cluster["id"]: cluster for cluster in found["clusters"]}
    assert len(clusters) >= 4 and found["first_at"] == FIRST_N
    assert list(clusters) == sorted(clusters, key=lambda number: (-clusters[number]["size"], number))
    assert {cluster["genre"] for cluster in clusters.values()} == {"ballad", "dance", "hop", "rock"}
    rock = ask("micro-genres", "--genre", "rock")[1]["clusters"]
    assert rock == [cluster for cluster in clusters.values() if cluster["genre"] == "rock"]
    assert ask("micro-genres", "--genre", "polka")[0] == Exit.FAILURE

    right = 0
    for row in (*rows[:20], *rows[-20:]):
        shown = ask("track", str(row["track_id"]))[1]
        cluster = clusters[shown["micro_genre"]["id"]]
        assert (shown["micro_genre"]["name"], shown["micro_genre"]["genre"]) == (cluster["name"], cluster["genre"])
        assert shown["catalogue"]["track_id"] == row["track_id"]
        right += cluster["genre"] == row["genre"]
    assert right > 30, "four genres, and artists keep to theirs"

    assert_the_ranker_sees_them(ask, rows)

    def read() -> bool:
        code, found = ask("text-clusters")
        return code == Exit.OK and found["tracks"] == N_TRACKS

    _until(read)
    about = ask("text-clusters")[1]["clusters"]
    assert about and ask("text-clusters", "--genre", "polka")[1]["error"]["next"] == "segue text-clusters"
    shown = ask("track", str(rows[0]["track_id"]))[1]
    assert shown["text_cluster"]["name"] in {cluster["name"] for cluster in about}
    alike = ask("similar", str(rows[0]["track_id"]), "-n", "20")[1]
    genre_of = {str(row["track_id"]): row["genre"] for row in rows}
    assert len(alike["similar"]) == 20 and {one["says"] for one in alike["similar"]} <= {"it sounds like it", "its words"}
    assert sum(genre_of[one["track"]] == rows[0]["genre"] for one in alike["similar"]) > 15, "nobody played any, yet words and sound tell"
    assert ask("similar", "--artist", str(rows[0]["artist"]))[1]["seeds"]

    decided = ask("model", "history", "micro_genres")[1]["decisions"]
    assert [decision["decision"] for decision in decided[:4]] == ["born"] * 4
    assert {decision["detail"]["cluster"] for decision in decided} >= clusters.keys()
    assert ask("model", "show", "micro_genres")[1]["clusters"] == len(clusters)
    assert ask("import", "catalogue", str(path), "--wait")[1]["applied"] == N_TRACKS
    # The cleaning has met more names by now, and writes a few artists otherwise: those rows say something new.
    assert ask("micro-genres")[1]["tracks"] < N_TRACKS + 20, "what was said before teaches nothing"
    for plain in (
        ("micro-genres",),
        ("text-clusters",),
        ("similar", str(rows[0]["track_id"])),
        ("track", str(rows[0]["track_id"])),
        ("model", "show", "micro_genres"),
        ("model", "list"),
    ):
        options = ["--kafka", settings.kafka, "--redis", settings.redis, "--namespace", settings.namespace]
        told = CliRunner(env={"SEGUE_DATA_DIR": settings.data_dir, "COLUMNS": "200"}).invoke(app, [*options, *plain])
        assert told.exit_code == Exit.OK, told.output
