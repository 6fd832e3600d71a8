"""The simulated world: its truth is true, it is the same for a seed, and real lists are shown in it."""

from __future__ import annotations

import ast
import asyncio
import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import benchmarks.simulator
from benchmarks.simulator.__main__ import Asked, contender, measure
from benchmarks.simulator.contenders import Heard, Popular, user_id
from benchmarks.simulator.listener import Listener
from benchmarks.simulator.report import tables
from benchmarks.simulator.run import Record, Size, World, simulate
from benchmarks.simulator.screen import EXAMINED, LOOKED_AT, PLACES, Shown, best_worth, looked_at, worth
from benchmarks.simulator.sessions import DAY_MS
from benchmarks.simulator.tracks import new_catalogue
from console.cli import app

TINY = Size(users=14, days=6, tracks=200, styles=4)
OF_THE_WORLD = ("tracks", "memory", "listener", "screen", "sessions")
HOME = Path(str(benchmarks.simulator.__file__)).parent


def played(name: str, seed: int = 3) -> tuple[World, Record, list[bytes]]:
    world, log = World(TINY, seed), list[bytes]()
    makes = contender(name, TINY, world.catalogue.n, seed, Asked(0.2), log)
    return world, asyncio.run(simulate(world, makes, lambda done: None)), log


@pytest.mark.parametrize("name", OF_THE_WORLD)
def test_the_world_imports_nothing_of_what_is_tested_in_it(name: str) -> None:
    tree = ast.parse((HOME / f"{name}.py").read_text())
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {module for module in modules if module.split(".")[0] in {"online_models", "streams", "evaluation", "infra", "console"}}
    assert not ours
    assert {m.split(".")[-1] for m in modules if m.startswith("benchmarks")} <= set(OF_THE_WORLD)


@pytest.mark.parametrize("name", ["popular", "fast+exploration"])
def test_the_same_seed_is_the_same_simulation(name: str) -> None:
    (world, record, log), (again, record_again, log_again) = played(name), played(name)
    assert world.events == again.events and log == log_again
    assert all(np.array_equal(a, b) for a, b in zip(record, record_again, strict=True))
    assert played(name, seed=4)[0].events != world.events


def test_the_lists_decide_what_is_heard() -> None:
    assert played("popular")[0].events != played("fast")[0].events


@pytest.mark.parametrize("name", ["popular", "fast"])
def test_what_a_list_is_worth_is_how_often_it_is_followed(name: str) -> None:
    _, record, _ = played(name)
    n = len(record.user)
    assert n > 300
    assert (record.worth <= record.best + 1e-12).all(), "no list is better than the best one"
    for which in range(2):
        expected = record.worth[:, which]
        deviation = np.sqrt((expected * (1 - expected)).sum())
        assert abs((record.taken == which).sum() - expected.sum()) < 4 * deviation + 1


def test_the_worth_of_a_list_is_counted_out() -> None:
    rng = np.random.default_rng(1)
    wanted, tracks = rng.random(50), rng.permutation(50)[:PLACES]
    shown = Shown((tracks, tracks[:0]))
    taken = 0
    for chance in (np.arange(40_000) + 0.5) / 40_000:
        which, place, track = looked_at(shown, float(chance))
        taken += wanted[track] if which == 0 else 0
        assert which < 0 or tracks[place] == track
    assert taken / 40_000 == pytest.approx(worth(0, tracks, wanted), abs=1e-3)
    assert EXAMINED.sum(axis=1).tolist() == pytest.approx(LOOKED_AT)


def test_the_best_list_is_the_best_of_all_that_are_free() -> None:
    rng = np.random.default_rng(2)
    wanted, free = rng.random(60), (rng.random(60) < 0.5).astype(float)
    best = sorted((t for t in range(60) if free[t]), key=lambda t: -wanted[t])[:PLACES]
    assert best_worth(1, wanted, free) == pytest.approx(worth(1, np.array(best), wanted))


def test_what_is_remembered_is_wanted_more_and_what_was_just_heard_less() -> None:
    listener = Listener(np.random.default_rng(1), new_catalogue(np.random.default_rng(2), 100, 4, 3))
    listener.open_session(0)
    out = [track for track in range(100) if listener.wants(0.0)[track] > 0]
    track = out[0]
    before = listener.wants(1_000.0)[track]
    listener.hears(track, 1_000.0)
    assert listener.wants(1_200.0)[track] < before
    listener.open_session(0)
    standing = listener.wants(1e9)[track]
    assert listener.wants(2_000.0)[track] > 1.5 * standing, "a month later it is forgotten"
    assert listener.fresh[track] == 0 and listener.fresh.sum() == 99


def test_a_play_names_the_list_that_it_was_taken_from() -> None:
    world, record, log = played("fast+exploration")
    lists = {told["recommendation_id"]: told for told in map(msgspec.json.decode, log)}
    events = [msgspec.json.decode(event) for event in world.events]
    assert len(log) == len(events) == len(record.taken)
    named = [(k, event) for k, event in enumerate(events) if "recommendation_id" in event]
    assert [k for k, _ in named] == np.flatnonzero(record.taken >= 0).tolist() and named
    for k, event in named:
        told = lists[event["recommendation_id"]]
        assert told["user_id"] == event["user_id"]
        assert event["track_id"] in [entry["track_id"] for entry in told[("next", "discover")[record.taken[k]]]]


def test_nobody_plays_what_is_not_out() -> None:
    world, _, _ = played("popular")
    for turn, event in zip(world.turns, world.events, strict=True):
        told = msgspec.json.decode(event)
        assert world.catalogue.released[int(told["track_id"][1:])] <= turn.day
        assert told["user_id"] == user_id(turn.user)
    assert (world.catalogue.released >= 0).any()


def test_popular_lists_are_the_most_played_and_fade() -> None:
    makes = Popular(2, 40)
    week = 7 * DAY_MS
    plays = [Heard(0, track, 0, b"") for track in range(30) for _ in range(track + 1)]
    for play in plays:
        asyncio.run(makes.hear([play]))
    (shown,) = asyncio.run(makes.hear([Heard(1, 35, 0, b"")]))
    assert shown.lists[0].tolist() == list(range(29, 9, -1)) == shown.lists[1].tolist()
    (shown,) = asyncio.run(makes.hear([Heard(0, 12, 3 * week, b"")]))
    assert shown.lists[0].tolist()[0] == 29, "30 / 8 of them are left, and 13 / 8 + 1 of the other"
    assert shown.lists[0].tolist()[1:3] == [28, 27]
    assert shown.lists[1].tolist() == [35], "everything else is known"


def test_the_command_reports_every_contender_and_writes_the_log(tmp_path: Path) -> None:
    report = measure(TINY, 1, ("popular", "fast+exploration"), Asked(0.3), tmp_path)
    assert list(report["contenders"]) == ["popular", "fast+exploration"] and list(report["ahead"]) == ["fast+exploration"]
    narrow = io.StringIO()
    Console(width=80, file=narrow).print(*tables(report))
    assert "…" not in narrow.getvalue()
    for found in report["contenders"].values():
        assert 0 < found["regret"] < sum(LOOKED_AT) and found["lists"]["next"]["worth"] <= found["lists"]["next"]["best"]
        assert found["curve"][-1]["until_day"] == TINY.days
    assert len((tmp_path / "recommendations.jsonl").read_bytes().splitlines()) == report["plays"]
    assert b'"explore":{"share":0.3' in (tmp_path / "recommendations.jsonl").read_bytes()
    files = ["--recommendations", f"{tmp_path}/recommendations.jsonl", "--events", f"{tmp_path}/events.jsonl"]
    done = CliRunner().invoke(app, ["evaluate", "policy", *files, "--json"])
    assert done.exit_code == 0, done.output
    told = msgspec.json.decode(done.stdout)
    assert told["lists"] == report["plays"] and told["hits"] == "named"
    assert list(told["targets"]) == ["shown", "greedy", "uniform", "popular"]
    assert told["targets"]["shown"]["support"] == 1.0
