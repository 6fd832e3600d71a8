"""An imported catalogue and some plays on real services: lists and charts inside a genre or a mood, and artists by name."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
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

COME_S = 60.0
SONGS = "track_id,title,artist,genre,energy,valence,tempo\n" + "".join(
    f"{genre}{n},Song {genre} {n},{('Anna', 'Ben')[n % 2]} {genre},{writing},{(0.3, 0.9)[n % 2]},0.7,{(90, 125)[n % 2]}\n"
    for genre, writing in (("rock", "Rock"), ("jazz", "JAZZ"))
    for n in range(6)
)
HEARD = {"ana": "rock0 rock1 jazz0 rock0 rock2 rock1", "ben": "rock1 rock2 jazz1 jazz0 rock3", "eva": "rock0 rock1 jazz2 rock1"}
Segue = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def segue(services: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segue]:
    """A namespace with a catalogue and plays; runs a command and returns its exit code and its JSON object, or its words."""
    folder = tmp_path_factory.mktemp("within")
    settings = msgspec.structs.replace(
        Settings(), namespace=f"t-within-{os.getpid()}", kafka=services.kafka, redis=services.redis, data_dir=str(folder), metrics_port=0
    )
    topics.apply(settings)
    options = ["--kafka", settings.kafka, "--redis", settings.redis, "--namespace", settings.namespace]
    runner = CliRunner(env={"SEGUE_DATA_DIR": settings.data_dir})

    def run(*arguments: str) -> tuple[int, Any]:
        result = runner.invoke(app, [*options, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, json.loads(result.stdout) if "--json" in arguments else result.stdout

    (folder / "songs.csv").write_text(SONGS)
    with Workers(settings, folder / "logs", {"plays": 1, "catalogue": 1}) as workers:
        workers.wait_ready()
        assert run("import", "catalogue", str(folder / "songs.csv"), "--wait", "--json")[1]["applied"] == 12
        for user, tracks in HEARD.items():
            for track in tracks.split():
                assert run("send", "--user", user, "--track", track, "--ms-played", "200000", "--session", "s")[0] == Exit.OK
        n_played, deadline_s = len({*" ".join(HEARD.values()).split()}), time.monotonic() + COME_S
        while len(run("chart", "--json")[1].get("chart", [])) < n_played:
            assert time.monotonic() < deadline_s
            time.sleep(0.5)
        yield run
        workers.check()


def _ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["track_id"] for entry in entries]


def test_a_list_of_a_genre_holds_that_genre_and_what_is_filled_in_says_so(segue: Segue) -> None:
    code, told = segue("recommend", "ana", "--genre", "ROCK", "--json")
    assert code == Exit.OK and (told["user_id"], told["genre"], told["mood"]) == ("ana", "ROCK", None)
    assert {*_ids(told["next"])} == {"rock0", "rock1", "rock2", "rock3"}
    assert _ids(told["discover"]) == ["rock3"], "all others she has heard"
    for entry in told["next"]:
        assert (entry["genre"], entry["genre_by"]) == ("rock", "catalogue") and entry["artist"] and entry["title"]
        assert entry["filled"] == (entry["score"] == 0.0)
    chances = [entry["score"] for entry in told["next"]]
    assert chances[0] > 0 and chances == sorted(chances, reverse=True)
    code, words = segue("recommend", "ana", "--genre", "rock", "--discover", "-n", "3")
    assert code == Exit.OK and "discover for ana, within genre 'rock', ranked now" in words and "rock3" in words
    code, told = segue("recommend", "new", "--mood", "calm", "--json")
    assert code == Exit.OK and {*_ids(told["next"])} == {"rock0", "rock2", "jazz0", "jazz2"}
    assert all("calm" in entry["moods"] for entry in told["next"])


def test_what_a_user_blocks_leaves_their_lists_but_not_the_chart(segue: Segue) -> None:
    assert segue("block", "eva", "jazz1")[0] == Exit.OK
    deadline_s = time.monotonic() + COME_S
    while "jazz1" in _ids(segue("recommend", "eva", "--genre", "jazz", "--json")[1]["next"]):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    assert {*_ids(segue("recommend", "eva", "--genre", "jazz", "--json")[1]["next"])} == {"jazz0", "jazz2"}
    assert "jazz1" in _ids(segue("chart", "--genre", "jazz", "--json")[1]["chart"])


def test_a_chart_of_a_genre_or_a_mood(segue: Segue) -> None:
    code, told = segue("chart", "--genre", "rock", "--json")
    assert code == Exit.OK and _ids(told["chart"]) == ["rock1", "rock0", "rock2", "rock3"], "played 5, 3, 2 times and once"
    assert told["chart"][0]["popularity"] == 1.0
    assert _ids(segue("chart", "--genre", "jazz", "--mood", "energetic", "--json")[1]["chart"]) == ["jazz1"]
    code, words = segue("chart", "-n", "2")
    assert code == Exit.OK and "rock1" in words and "Ben rock" in words


def test_what_does_not_exist_names_what_does(segue: Segue) -> None:
    for command in (("recommend", "ana"), ("chart",)):
        code, told = segue(*command, "--genre", "polka", "--json")
        assert code == Exit.FAILURE and told["error"]["message"] == "no genre 'polka'; there are jazz (6 tracks), rock (6 tracks)"
        code, told = segue(*command, "--mood", "gloomy", "--json")
        assert code == Exit.USAGE and "happy, energetic, angry, calm, sad" in told["error"]["message"]
        code, told = segue(*command, "--mood", "sad", "--json")
        assert code == Exit.FAILURE and "energy 0 to 0.5, valence 0 to 0.35" in told["error"]["message"]


def test_artists_are_known_without_a_file(segue: Segue) -> None:
    code, told = segue("similar", "--artist", "ben ROCK", "--json")
    assert code == Exit.OK and told["seeds"] == ["rock1", "rock3"]
    assert {one["artist"] for one in told["similar"]} <= {"Anna rock", "Anna jazz", "Ben jazz"} and told["artists"]
    code, told = segue("radio", "--artist", "Anna jazz", "--length", "3", "--json")
    assert code == Exit.OK and len(told["tracks"]) > 0 and all(one["artist"] for one in told["tracks"])
    code, told = segue("similar", "--artist", "Ben rok", "--json")
    assert (code, told["error"]["next"]) == (Exit.FAILURE, "segue similar --artist 'Ben rock'")
