"""`segue why`, `similar`, `radio` over a real Redis that holds what a worker wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from typer.testing import CliRunner

from console.cli import app
from console.trouble import Exit
from tests.genres_of_an_audience import UNKNOWN, genre_of, served
from tests.recorded_log import SETTINGS, RecordedLog, audience_log

N_PLAYS, N_USERS = 1_000, 12
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def recorded(redis_url: str) -> Iterator[RecordedLog]:
    """A log that was played, and what the worker wrote of it in Redis."""
    settings = msgspec.structs.replace(SETTINGS, namespace="t-reasons", redis=redis_url, explore_share=0.2)
    log = audience_log(N_PLAYS, N_USERS)
    world = RecordedLog(log, settings)
    world.store.redis.write(served(settings.namespace, {str(play["track_id"]) for play in log}))
    asyncio.run(world.run())
    client = redis.Redis.from_url(redis_url)
    written = world.store.redis.snapshot().values
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

    def run(*arguments: str) -> tuple[int, Any]:
        options = ["--redis", s.redis, "--kafka", "127.0.0.1:1", "--namespace", s.namespace]
        result = CliRunner(env=environment).invoke(app, [*options, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, json.loads(result.stdout) if "--json" in arguments else result.stdout

    return run


def test_why_says_what_was_drawn_by_chance(recorded: RecordedLog, ask: Ask) -> None:
    lists: list[Any] = [recorded.lists(user) for user in sorted(recorded.of_user())]
    found = next(it for it in lists if it.get("explore", {}).get("places"))
    drawn = found["discover"][found["explore"]["places"][0]]
    code, told = ask("why", found["user_id"], drawn["track_id"], "--json")
    assert code == Exit.OK and told["stored"]["discover"]["explored"] and told["now"]["discover"]["place"] is None
    assert "drawn by chance to explore" in ask("why", found["user_id"], drawn["track_id"])[1]


def test_why_agrees_with_the_published_list_and_names_plays(recorded: RecordedLog, ask: Ask) -> None:
    user = sorted(recorded.of_user())[0]
    entry = recorded.lists(user)["next"][0]
    code, told = ask("why", user, str(entry["track_id"]), "--json")
    assert (code, told["stored"]["next"]) == (Exit.OK, {"place": 1, "score": entry["score"], "source": entry["source"]})
    assert told["now"]["next"] == {"place": 1, "why_not": ""}
    assert told["chance"] == pytest.approx(entry["score"], abs=0.1)
    played = {play["track_id"] for play in recorded.of_user()[user]}
    assert told["because"] and {cause["track"] for cause in told["because"]} <= played
    assert told["chance_without"] < told["chance"]
    code, words = ask("why", user, str(entry["track_id"]))
    assert code == Exit.OK and "because of plays of" in words and "stage 1" in words and "stage 2" in words


def test_why_names_the_genre_that_somebody_leans_to(recorded: RecordedLog, ask: Ask) -> None:
    leaning = list[float]()
    for user in sorted(recorded.of_user()):
        track = str(recorded.lists(user)["next"][0]["track_id"])
        told = ask("why", user, track, "--json")[1]
        if genre_of(track) == UNKNOWN:
            assert told["leans"] is None
            continue
        assert (told["leans"]["genre"], told["leans"]["micro_genre"]) == (genre_of(track), f"micro {genre_of(track)}")
        given = {feature["feature"]: feature["ahead"] for feature in told["stage_2"]}
        assert told["leans"]["ahead"] == pytest.approx(given.get("genre_share", 0.0) + given.get("micro_share", 0.0))
        said = f"because they lean to {genre_of(track)} (" in ask("why", user, track)[1]
        assert said == (told["leans"]["ahead"] > 0.0 and round(told["leans"]["genre_share"], 5) > 0.0)
        leaning.append(told["leans"]["ahead"])
    assert len(leaning) > N_USERS / 2 and max(leaning) > 0.0


def test_why_says_what_is_unknown(recorded: RecordedLog, ask: Ask) -> None:
    user = sorted(recorded.of_user())[0]
    code, told = ask("why", "nobody", "t1", "--json")
    assert (code, told["error"]["next"]) == (Exit.FAILURE, "segue send --user nobody --track t1")
    code, told = ask("why", user, "never played", "--json")
    assert code == Exit.FAILURE and "'never played' is unknown" in told["error"]["message"]


def _catalogue(recorded: RecordedLog, folder: Path) -> str:
    """A file that says who made what."""
    path = folder / "songs.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode({"track_id": p["track_id"], "artist": p["artist"]}) for p in recorded.events))
    return str(path)


def test_similar_tracks_of_a_track_and_of_an_artist(recorded: RecordedLog, ask: Ask, tmp_path: Path) -> None:
    track = max(recorded.events, key=lambda play: sum(play["track_id"] == other["track_id"] for other in recorded.events))["track_id"]
    code, told = ask("similar", track, "-n", "15", "--json")
    assert code == Exit.OK and len(told["similar"]) == 15 and track not in {one["track"] for one in told["similar"]}
    code, words = ask("similar", track, "--all")
    assert code == Exit.OK and "because of" in words
    artist = next(play["artist"] for play in recorded.events if play["track_id"] == track)
    catalogue = _catalogue(recorded, tmp_path)
    code, told = ask("similar", "--artist", artist.upper(), "--catalogue", catalogue, "--all", "--json")
    assert code == Exit.OK and track in told["seeds"] and artist not in {one["artist"] for one in told["artists"]}
    assert {one["artist"] for one in told["similar"]} <= {play["artist"] for play in recorded.events}
    code, told = ask("similar", "--json")
    assert (code, told["error"]["next"]) == (Exit.USAGE, "segue similar --help")
    assert ask("similar", "no such track", "--json")[0] == Exit.FAILURE


def test_radios_from_a_track_a_user_and_an_artist(recorded: RecordedLog, ask: Ask, tmp_path: Path) -> None:
    user, catalogue = sorted(recorded.of_user())[0], _catalogue(recorded, tmp_path)
    play = recorded.of_user()[user][-1]
    starts = (("--track", play["track_id"]), ("--user", user), ("--artist", play["artist"]))
    for start in starts:
        code, told = ask("radio", *start, "--catalogue", catalogue, "--length", "15", "--json")
        names = [one["track"] for one in told["tracks"]]
        assert code == Exit.OK and len(names) == 15 == len({*names}) and not {*names} & {*told["seeds"]}
        artists = [one["artist"] for one in told["tracks"]]
        assert all(artists[k] not in artists[max(0, k - 5) : k] for k in range(15))
        assert ask("radio", *start, "--catalogue", catalogue, "--length", "15", "--json") == (code, told)
    code, words = ask("radio", "--user", user, "--length", "3", "--drift", "0.9")
    assert code == Exit.OK and f"radio from {user}" in words
    code, told = ask("radio", "--json")
    assert (code, told["error"]["next"]) == (Exit.USAGE, "segue radio --help")
    assert ask("radio", "--user", "nobody", "--json")[0] == Exit.FAILURE


def test_an_artist_without_any_catalogue_names_the_import(recorded: RecordedLog, ask: Ask) -> None:
    for command in ("similar", "radio"):
        code, told = ask(command, "--artist", recorded.events[0]["artist"], "--json")
        assert (code, told["error"]["next"]) == (Exit.FAILURE, "segue import catalogue FILE --wait")
    for asked in (("recommend", "ana", "--genre", "rock"), ("chart", "--mood", "calm")):
        code, told = ask(*asked, "--json")
        assert (code, told["error"]["next"]) == (Exit.FAILURE, "segue import catalogue FILE --wait")
    code, told = ask("chart", "-n", "3", "--json")
    assert code == Exit.OK and len(told["chart"]) == 3 and told["chart"][0]["popularity"] == 1.0 and told["genre"] is None
