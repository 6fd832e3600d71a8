"""A stream whose taste is switched half way, with and without the ranker's watch over its hit rate: `segue bench drift FILE`.

The kernels alone, as in `micro_rank`, whose parquet FILE is. Up to the middle of the log everything is played once; from there each switch
(`switches.py`) goes on from a copy, with the watch and without. A ranker that has learned for months has small steps, and a log that can
be replayed is short: before the switch the steps are made as small as if `--learned` plays had been learned.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import typer

from benchmarks.ablation import check
from benchmarks.micro_rank import CHUNK, Log, Popular, new_events, new_known, quality, read_log, replay
from benchmarks.switches import NONE, SWITCHES
from console.output import Json, guarded, say, say_json, screen
from console.trouble import Exit, Trouble
from evaluation.bootstrap import differences
from online_models.arrays import F64, I32, I64
from online_models.artists import nobody_said
from online_models.drift import Watched
from online_models.moment import Known
from online_models.plays import NO_FINISH, NOT_TESTED, World, new_outcomes
from online_models.presets import PRESETS, Preset, new_ranker
from online_models.rank import new_best, new_lists
from online_models.two_stage import Ranker
from online_models.weights import Weights, new_weights

CUTS: Final = (0, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000)
"""Plays after the switch between which hit rates are told."""
RECOVERED: Final = 0.95
"""Of the hit rate without the watch in the last quarter of the plays that are told of."""
LOOK_BACK: Final = 2_000
"""Tested plays over which a hit rate is a mean, where recovery is looked for."""


class State(NamedTuple):
    """Everything that learns."""

    known: Known
    popular: Popular
    ranker: Ranker
    weights: Weights


def new_state(log: Log, preset: Preset) -> State:
    """Before the first play."""
    return State(new_known(log, preset), Popular(log.key_of), new_ranker(preset), new_weights())


def copied(state: State, preset: Preset) -> State:
    """Another one that goes on from here. The ranker's scratch is made anew: parts of it share memory, which a copy would part."""
    known, popular, weights, rankings = copy.deepcopy((state.known, state.popular, state.weights, state.ranker.rankings))
    return State(known, popular, new_ranker(preset)._replace(rankings=rankings), weights)


class Told(NamedTuple):
    """What came of some plays."""

    place: I32
    """(plays,) in the list that was live, MISS, NOT_TESTED."""
    alarms: list[int]
    """Plays after which they came."""


def play(state: State, log: Log, a: int, b: int, watch: Watched | None) -> tuple[State, Told]:
    """Play `a` to `b`; between two chunks the watch sees what was tested."""
    known, tracks = state.known, state.known.tracks
    world = World(nobody_said(tracks.map_keys, tracks.map_slots), NO_FINISH, 0.0, True)
    events, out, best, lists, missing = new_events(log), new_outcomes(len(log.key)), new_best(), new_lists(2), np.zeros(2, np.int64)
    alarms = []
    for i in range(a, b, CHUNK):
        j = min(b, i + CHUNK)
        replay(known, events, i, j, world, state.ranker, state.weights, best, lists, out, missing)
        tested = i + np.flatnonzero(out.in_session[i:j])
        hits = (out.rank[tested] > 0).astype(np.float64).tolist()
        alarms += [int(tested[fall.at]) + 1 - a for fall in (watch.judge(hits) if watch else ())]
        hashes, weight = state.popular.after(tracks, log.track[i:j])
        known = known._replace(popular=hashes, popular_weight=weight)
    place = np.where(out.in_session == 1, out.rank, NOT_TESTED)[a:b]
    return state._replace(known=known), Told(place, alarms)


def age(weights: Weights, learned: int) -> None:
    """Steps as small as if the weights had been learned from so many plays."""
    factor = max(1.0, learned / max(1, int(weights.lessons[0])))
    weights.gate.square[:] *= np.float32(factor)
    weights.bilinear.square[:] *= np.float32(factor)
    weights.lessons[0] = int(weights.lessons[0] * factor)


def recovery(place: I32, level: float) -> int | None:
    """Plays until the hit rate of the last LOOK_BACK tested ones reached `level`; None = it did not.

    >>> recovery(np.repeat(np.array([0, 1], np.int32), 5000), 0.5)
    6000
    """
    tested = np.flatnonzero(place != NOT_TESTED)
    hits: F64 = np.concatenate([[0.0], np.cumsum(place[tested] > 0)])
    reached = np.flatnonzero((hits[LOOK_BACK:] - hits[:-LOOK_BACK]) / LOOK_BACK >= level)
    return int(tested[reached[0] + LOOK_BACK - 1]) + 1 if len(reached) else None


def measure(file: Path, preset_name: str, names: list[str], n_plays: int, learned: int, seeds: int) -> dict[str, Any]:
    """The report."""
    log, preset = read_log(str(file)), PRESETS[preset_name]
    at = len(log.key) // 2 // CHUNK * CHUNK
    say(f"playing {at:,} plays up to the switch")
    quiet = Watched(new_weights())  # it sees everything and changes weights that nobody uses
    state, before = play(new_state(log, preset), log, 0, at, quiet)
    age(state.weights, learned)
    past = (before.place[before.place != NOT_TESTED] > 0).astype(np.float64).tolist()
    runs = {
        name: [_compared(copied(state, preset), log, at, past, name, seed, n_plays, preset) for seed in range(1, 1 + _seeds(name, seeds))]
        for name in names
    }
    return {
        "file": file.name,
        "preset": preset_name,
        "plays_before": at,
        "hr20_before": round(quality(before.place[-n_plays:])[1], 4),
        "alarms_before": before.alarms,
        "learned": int(state.weights.lessons[0]),
        "switches": {name: {"what": SWITCHES[name].what, "runs": found} for name, found in runs.items()},
    }


def _seeds(name: str, seeds: int) -> int:
    return 1 if name in {NONE, "fresh"} else seeds  # nothing is drawn there


def _compared(state: State, log: Log, at: int, past: list[float], name: str, seed: int, n_plays: int, preset: Preset) -> dict[str, Any]:
    switched = SWITCHES[name].change(log, at, np.random.default_rng(seed))
    end = len(switched.key) if name == NONE else min(len(switched.key), at + n_plays)
    _, without = play(copied(state, preset), switched, at, end, None)
    watch = Watched(state.weights)
    watch.measure.learn_many(past)
    _, with_watch = play(state, switched, at, end, watch)
    level = RECOVERED * quality(without.place[-len(without.place) // 4 :])[1]
    report: dict[str, Any] = {
        "seed": seed,
        "alarms": with_watch.alarms,
        "hr20_by_1000": {who: _by_thousand(told.place) for who, told in (("without", without), ("with", with_watch))},
        "plays_to_recover": {who: recovery(told.place, level) for who, told in (("without", without), ("with", with_watch))},
        "parts": [_part(with_watch.place, without.place, switched.slot[at:end], a, b, seed) for a, b in _cuts(end - at)],
    }
    say(f"  {name}, seed {seed}: alarms after {with_watch.alarms[:3]}, ahead {[part['ahead'] for part in report['parts']]}")
    return report


def _cuts(n: int) -> list[tuple[int, int]]:
    cuts = [*(cut for cut in CUTS if cut < n), n]
    return [*zip(cuts[:-1], cuts[1:], strict=True), (0, n)]


def _by_thousand(place: I32) -> list[float]:
    return [round(quality(place[i : i + 1_000])[1], 4) for i in range(0, len(place), 1_000)]


def _part(mine: I32, theirs: I32, user: I32 | I64, a: int, b: int, seed: int) -> dict[str, Any]:
    """Hit rates on plays `a` to `b` after the switch that both were tested on, and how far the watch is ahead."""
    both = (mine[a:b] != NOT_TESTED) & (theirs[a:b] != NOT_TESTED)
    ours, others = mine[a:b][both], theirs[a:b][both]
    ahead = differences(ours, others, user[a:b][both].astype(np.int32), seed).get("hr20")
    return {"plays": [a, b], "without": round(quality(others)[1], 4), "with": round(quality(ours)[1], 4), "ahead": ahead}


def table(report: dict[str, Any]) -> str:
    """Markdown: one line per switch, seed and part."""
    lines = [
        f"HR@20 before the switch {report['hr20_before']:.4f}; alarms in the {report['plays_before']:,} plays before it: "
        f"{len(report['alarms_before'])}; a ranker as of {report['learned']:,} plays",
        "",
        "| switch | seed | alarms after | recovered after, without | with | plays after the switch | HR@20 without | with | ahead |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, switch in report["switches"].items():
        for run in switch["runs"]:
            first = [name, str(run["seed"]), ", ".join(map(str, run["alarms"])) or "none", *map(_plays, run["plays_to_recover"].values())]
            for part in run["parts"]:
                lines.append("| " + " | ".join(first + _cells(part)) + " |")
                first = [""] * 5
    return "\n".join(lines)


def _cells(part: dict[str, Any]) -> list[str]:
    low, mean, high = part["ahead"] or (0.0, 0.0, 0.0)
    span = "{:,} to {:,}".format(*part["plays"])
    return [span, f"{part['without']:.4f}", f"{part['with']:.4f}", f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"]


def _plays(n: int | None) -> str:
    return "not yet" if n is None else f"{n:,}"


def chosen(only: str) -> list[str]:
    """The switches that `--only` names; "" = all. Raises `Trouble` for others (exit 2)."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(SWITCHES)
    unknown = [name for name in names if name not in SWITCHES]
    if unknown:
        raise Trouble(Exit.USAGE, f"no switch is called {unknown[0]}; there are {', '.join(SWITCHES)}", "segue bench drift --help")
    return names


@guarded
def main(
    file: Annotated[Path, typer.Argument(help="Parquet with session_id, user_id, song_id, ts (s), playtime (s).")],
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = "fast",
    only: Annotated[str, typer.Option(help=f"Some of {', '.join(SWITCHES)}.")] = "",
    plays: Annotated[int, typer.Option(min=4_000, help="Plays after the switch.")] = 40_000,
    learned: Annotated[int, typer.Option(min=0, help="Plays that the ranker is as old as when it comes.")] = 10_000_000,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of each switch.")] = 3,
    as_json: Json = False,
) -> None:
    """How soon lists are good again when what people listen to is switched, with the watch over the hit rate and without."""
    check(file, preset)
    report = measure(file.resolve(), preset, chosen(only), plays, learned, seeds)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), markup=False)


if __name__ == "__main__":
    typer.run(main)
