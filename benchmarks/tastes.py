"""What a genre's share in a taste gives: `python -m benchmarks.tastes [--seeds 1,2] [--tracks 6000] [--preset fast] [--json]`.

Listeners of the simulator (`benchmarks/simulator`), who choose by mixtures of 32 latent styles, by albums, by what they remember and by
what many play, and look at no list. Their tracks sound like their styles, with artists' and albums' and tracks' own deviations; a genre
is three or four styles that sound alike, and seven of ten tracks say theirs, one of twenty a wrong one. The model of micro-genres learns
the catalogue and says where tracks are, as a models worker would; nobody tells the plays worker anything of styles. Then the plays go
through the worker in one process, each tested before it is learned, with and without, and once without genres, with paired intervals by
user. `next` is tested by plays that go on with their session, `discover` by those of them that are new to the user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import numpy as np
import typer

from benchmarks.simulator.contenders import track_id, user_id
from benchmarks.simulator.run import Size as Simulated
from benchmarks.simulator.run import World
from benchmarks.simulator.screen import NOTHING
from benchmarks.simulator.tracks import ALBUM_TRACKS, F64
from console.audience_sound import LABELLED_SHARE, SHARES, SPREAD
from console.output import Json, guarded, say, say_json, screen
from evaluation import segue
from evaluation.bootstrap import differences
from evaluation.contest import seeded
from evaluation.log import Log, new_log
from evaluation.tally import Tally, means
from infra.keys import Keys
from infra.settings import Settings
from online_models.arrays import I32
from online_models.clusters.model import MicroGenreModel
from online_models.clusters.served import Placed, Served

GENRES: Final = 10
STYLE_SPREAD: Final = 0.15
"""Standard deviation of a style's sound around that of its genre, which lies anywhere between 0 and 1."""
WRONG_SHARE: Final = 0.05
"""Of the labels, that name any genre."""
ROUND_PLAYS: Final = 100
FIRST_TESTED: Final = 0.25
"""Of the log: before it everybody is new."""
VARIANTS: Final = ("off", "on", "without genres")
FIRST: Final = "off"
LISTS: Final = ("next", "discover")
MEASURES: Final = ("hr20", "mrr20")


class Plays(NamedTuple):
    """What was played, and what a models worker would have written of the tracks."""

    events: list[tuple[bytes, bytes]]
    log: Log
    served: dict[str, bytes]
    clusters: int
    agree: float
    """Share of the tracks whose micro-genre nests in the genre that they are of in truth."""


def heard(seed: int, size: Simulated) -> Plays:
    """The plays of a fresh world, whose listeners are shown nothing."""
    world = World(size, seed)
    made = [world.turn(row, turn, NOTHING, None) for row, turn in enumerate(world.turns)]
    user, track = (np.array([getattr(one, field) for one in made], np.int64) for field in ("user", "track"))
    session = np.array([turn.user * len(world.turns) + turn.session for turn in world.turns], np.int64)
    log = new_log(user, track, np.array([one.at_ms for one in made]), session)
    events = [(user_id(one.user).encode(), one.event) for one in made]
    return Plays(events, log, *catalogue(world.catalogue.style, seed))


def catalogue(style: F64, seed: int) -> tuple[dict[str, bytes], int, float]:
    """What the model of micro-genres serves of tracks of these styles (n, styles), how many clusters there are, how many agree."""
    rng, model, keys = np.random.default_rng([seed, 4]), MicroGenreModel(), Keys(Settings().namespace)
    of_style = np.arange(style.shape[1]) % GENRES
    genre = of_style[style.argmax(1)]
    rows = [_row(track, values) for track, values in enumerate(sounds(style, of_style, rng))]
    for track in rng.permutation(len(rows)).tolist():
        label = int(rng.integers(GENRES)) if rng.random() < WRONG_SHARE else int(genre[track])
        model.learn_one(rows[track], f"genre {label}" if rng.random() < LABELLED_SHARE else "")
    served = msgspec.json.decode(model.serving(1), type=Served)
    said = [model.predict_one(row) for row in rows]
    genre_of = {str(cluster.id): cluster.genre for cluster in served.clusters}
    agree = np.mean([genre_of[next(iter(one))] == f"genre {k}" for one, k in zip(said, genre.tolist(), strict=True)])
    placed = [msgspec.json.encode(Placed(int(next(iter(one))), model.n_lessons)) for one in said]
    answers = {keys.answer("micro_genres", row["track_id"]): text for row, text in zip(rows, placed, strict=True)}
    return {keys.serving("micro_genres"): model.serving(1), **answers}, len(served.clusters), float(agree)


def sounds(style: F64, of_style: np.ndarray, rng: np.random.Generator) -> F64:
    """How tracks sound (n, 9), each number between 0 and 1: as their styles do, and as their album and they themselves."""
    n, wide = len(style), len(SHARES) + 2
    place = rng.random((GENRES, wide))[of_style] + rng.normal(0.0, STYLE_SPREAD, (len(of_style), wide))
    album = rng.normal(0.0, SPREAD["artist"], (n // ALBUM_TRACKS + 1, wide))[np.arange(n) // ALBUM_TRACKS]
    heard: F64 = np.clip(style @ place + album + rng.normal(0.0, SPREAD["track"], (n, wide)), 0.0, 1.0)
    return heard


def _row(track: int, values: F64) -> dict[str, Any]:
    shares = dict(zip(SHARES, values.tolist(), strict=False))
    album = f"album {track // ALBUM_TRACKS}"
    names = {"track_id": track_id(track), "title": f"track {track}", "artist": f"artist of {album}", "album": album}
    return {**names, **shares, "tempo": 70.0 + 110.0 * float(values[-2]), "loudness": -24.0 + 20.0 * float(values[-1])}


def _without_genres(served: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same micro-genres, and none nests in a genre."""
    key = Keys(Settings().namespace).serving("micro_genres")
    said = msgspec.json.decode(served[key], type=Served)
    bare = [msgspec.structs.replace(cluster, genre="") for cluster in said.clusters]
    return {**served, key: msgspec.json.encode(msgspec.structs.replace(said, clusters=bare))}


def played(settings: Settings, plays: Plays, variant: str, *, fresh_only: bool) -> tuple[I32, dict[str, float]]:
    """Ranks (n,) in the list that was live before each play, and what it cost."""
    tally = Tally(plays.log, np.zeros(plays.log.n, np.bool_))
    plan = segue.Plan(ROUND_PLAYS, 0, plays.log.n, fresh_only)
    settings = msgspec.structs.replace(settings, taste=variant != FIRST)
    served = _without_genres(plays.served) if variant == "without genres" else plays.served
    events: Iterator[tuple[bytes, bytes]] = iter(plays.events)
    cost = asyncio.run(segue.play(settings, plays.log, events, tally, plan, lambda _: None, served))
    return tally.rank, dict(cost)


def measure(settings: Settings, seed: int, size: Simulated) -> dict[str, Any]:
    """All variants on one world."""
    plays = heard(seed, size)
    settings, n = seeded(settings, seed), plays.log.n
    asked = (plays.log.session_back >= 0) & (np.arange(n) >= FIRST_TESTED * n)
    found: dict[str, Any] = {}
    for name, tested in zip(LISTS, (asked, asked & (plays.log.repeat == 0)), strict=True):
        ranks = {}
        for variant in VARIANTS:
            ranks[variant], cost = played(settings, plays, variant, fresh_only=name == "discover")
            row = found.setdefault(variant, {})
            ahead = differences(ranks[variant][tested], ranks[FIRST][tested], plays.log.user[tested], seed)
            row[name] = {"tested": int(tested.sum()), **means(ranks[variant][tested]), "ahead": {m: ahead[m] for m in MEASURES}}
            row.setdefault("us_per_play", []).append(cost["us_per_play"])
            row.setdefault("pipeline_us_per_play", []).append(cost["pipeline_us_per_play"])
            where = f"{settings.preset}, seed {seed}, {n} plays of {size.tracks} tracks in {plays.clusters} micro-genres, {name}"
            say(f"{where}, {variant}: HR@20 {row[name]['hr20']} {ahead['hr20']}, {cost['us_per_play']} us a play")
    world = {"plays": n, "tracks": size.tracks, "clusters": plays.clusters, "agree": round(plays.agree, 3)}
    return {"preset": settings.preset, "seed": seed, **world, "variants": found}


def table(report: list[dict[str, Any]]) -> str:
    """Markdown, for people and for docs/quality.md."""
    measured = ["HR@20", "ahead", "MRR@20", "ahead"]
    head = ["preset, seed, tracks", "taste", *(f"`{which}`: {it}" for which in LISTS for it in measured), "kernels, us", "worker, us"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for part in report:
        for name, row in part["variants"].items():
            cells = [f"{part['preset']}, {part['seed']}, {part['tracks']:,}", name]
            for which, it in ((which, it) for which in LISTS for it in MEASURES):
                low, mean, high = row[which]["ahead"][it]
                cells += [f"{row[which][it]:.4f}", "" if name == FIRST else f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"]
            cells += [f"{min(row[what]):.1f}" for what in ("us_per_play", "pipeline_us_per_play")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


@guarded
def main(
    seeds: Annotated[str, typer.Option(help="Of the worlds, with commas between.")] = "1,2",
    tracks: Annotated[int, typer.Option(min=4_100, help="Of the catalogue; micro-genres begin at 4,000.")] = 6_000,
    users: Annotated[int, typer.Option(min=10, help="Listeners.")] = 300,
    days: Annotated[int, typer.Option(min=2, help="Simulated days.")] = 28,
    preset: Annotated[str, typer.Option(help="fast or quality.")] = "fast",
    as_json: Json = False,
) -> None:
    """Measure and print."""
    settings = msgspec.convert({"preset": preset, "explore_share": 0.0}, Settings)
    report = [measure(settings, int(seed), Simulated(users=users, days=days, tracks=tracks)) for seed in seeds.split(",")]
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), soft_wrap=True, highlight=False)


if __name__ == "__main__":
    typer.run(main)
