"""What the artists' and the albums' other tracks give: `python -m benchmarks.made [--plays 60000] [--seeds 1,2] [--preset fast] [--json]`.

The demo's audience through the real plays worker in one process, each play tested before it is learned, four times: its plays name
no artist; they do, and no artist's row is read; they do, and it is; they name their albums, too, whose rows are read beside the artists'.
The first says what the fold alone costs, and that who has no artists pays for none; the second beside the third, and the third beside
the fourth, what the sources are worth and cost, on the same plays, with paired intervals by user. `next`
is tested by the plays that go on with their session, `discover` by those of them that are of a track new to the user. Three catalogues:
the demo's, of which everything is played often, and two of which most is hardly ever played, by many artists of two albums and by
fewer of eight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import numpy as np
import typer

from console.audience import Audience, TimeLapse, event
from console.output import Json, guarded, say, say_json, screen
from evaluation import segue
from evaluation.bootstrap import differences
from evaluation.contest import seeded
from evaluation.log import Log, new_log
from evaluation.tally import Tally, means
from infra.settings import Settings
from online_models.arrays import I32, I64
from online_models.presets import PRESETS

USERS: Final = 400
CATALOGUES: Final = ((6, 2), (60, 2), (15, 8))
"""Artists per genre, albums of each."""
START_MS: Final = 1_700_000_000_000
ROUND_PLAYS: Final = 100
FIRST_TESTED: Final = 0.25
"""Of the log: before it everybody is new."""
NEVER_SENT: Final = frozenset({"track", "private"})


class Variant(NamedTuple):
    """What plays say, and what is made of it."""

    told: frozenset[str]
    read: bool
    against: str
    """The variant that it is compared with."""


ARTIST: Final = frozenset({"artist"})
ALL: Final = frozenset({"artist", "album"})
VARIANTS: Final = {
    "nothing told": Variant(frozenset(), True, "artists told"),
    "artists told": Variant(ARTIST, False, "artists told"),
    "artists read": Variant(ARTIST, True, "artists told"),
    "albums read": Variant(ALL, True, "artists read"),
}


class Plays(NamedTuple):
    """An audience's plays."""

    events: list[dict[str, Any]]
    log: Log


def heard(seed: int, n: int, artists: int, albums: int) -> Plays:
    """The first `n` plays of the audience of `seed`, with so many artists per genre and albums of each."""
    lapse = TimeLapse(START_MS, 1.0)
    listens = islice(Audience(seed, n_users=USERS, artists_per_genre=artists, albums_per_artist=albums).listens(), n)
    events = [{k: v for k, v in event(one, lapse, run=str(seed)).items() if k not in NEVER_SENT} for one in listens]
    user, track, session = (_codes([one[field] for one in events]) for field in ("user_id", "track_id", "session_id"))
    return Plays(events, new_log(user, track, np.array([one["played_at"] for one in events]), session))


def _codes(ids: list[str]) -> I64:
    return np.unique(ids, return_inverse=True)[1].astype(np.int64)


def _sent(plays: Plays, told: frozenset[str]) -> Iterator[tuple[bytes, bytes]]:
    for one in plays.events:
        body = {k: v for k, v in one.items() if k in told or k not in ALL}
        yield one["user_id"].encode(), msgspec.json.encode(body)


def played(settings: Settings, plays: Plays, variant: Variant, fresh_only: bool) -> tuple[I32, dict[str, float]]:
    """Ranks (n,) in the list that was live before each play, and what it cost."""
    preset = PRESETS[settings.preset]
    tally = Tally(plays.log, np.zeros(plays.log.n, np.bool_))
    plan = segue.Plan(ROUND_PLAYS, 0, plays.log.n, fresh_only)
    try:
        if not variant.read:
            PRESETS[settings.preset] = preset._replace(made=0, album=0)
        cost = asyncio.run(segue.play(settings, plays.log, _sent(plays, variant.told), tally, plan, lambda _: None))
    finally:
        PRESETS[settings.preset] = preset
    return tally.rank, dict(cost)


def measure(settings: Settings, seed: int, n: int, artists: int, albums: int) -> dict[str, Any]:
    """All variants on one audience."""
    plays, preset = heard(seed, n, artists, albums), settings.preset
    settings = seeded(settings, seed)
    asked = (plays.log.session_back >= 0) & (np.arange(n) >= FIRST_TESTED * n)
    found: dict[str, Any] = {}
    for fresh_only, name, tested in ((False, "next", asked), (True, "discover", asked & (plays.log.repeat == 0))):
        ranks = {}
        for variant in VARIANTS:
            ranks[variant], cost = played(settings, plays, VARIANTS[variant], fresh_only)
            row = found.setdefault(variant, {})
            row[name] = {"tested": int(tested.sum()), **means(ranks[variant][tested])}
            row.setdefault("us_per_play", []).append(cost["us_per_play"])
            row.setdefault("pipeline_us_per_play", []).append(cost["pipeline_us_per_play"])
            where = f"{preset}, seed {seed}, {plays.log.n_tracks} tracks"
            say(f"{where}, {name}, {variant}: HR@20 {row[name]['hr20']}, {cost['pipeline_us_per_play']} us a play")
        for variant, mine in ranks.items():
            ahead = differences(mine[tested], ranks[VARIANTS[variant].against][tested], plays.log.user[tested], seed)
            found[variant][name]["ahead"] = {m: ahead[m] for m in ("hr20", "mrr20")}
    return {"preset": preset, "seed": seed, "plays": n, "tracks": plays.log.n_tracks, "albums": albums, "variants": found}


def table(report: list[dict[str, Any]]) -> str:
    """Markdown, for people and for docs/quality.md."""
    head = [
        "preset, seed, tracks, albums of an artist",
        "plays and rows",
        "`next`: HR@20",
        "ahead (the last row: of the one above)",
        "`discover`: HR@20",
        "ahead",
        "kernels, us",
        "worker, us",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---" * 8 + "|"]
    for part in report:
        for name, row in part["variants"].items():
            cells = [f"{part['preset']}, {part['seed']}, {part['tracks']:,}, {part['albums']}", name]
            for which in ("next", "discover"):
                low, mean, high = row[which]["ahead"]["hr20"]
                ahead = f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"
                cells += [f"{row[which]['hr20']:.4f}", "" if name == VARIANTS[name].against else ahead]
            cells += [f"{min(row[what]):.1f}" for what in ("us_per_play", "pipeline_us_per_play")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


@guarded
def main(
    plays: Annotated[int, typer.Option(min=1_000, help="Plays of each audience.")] = 60_000,
    seeds: Annotated[str, typer.Option(help="Of the audiences, with commas between.")] = "1,2",
    preset: Annotated[str, typer.Option(help="fast or quality.")] = "fast",
    as_json: Json = False,
) -> None:
    """Measure and print."""
    settings = msgspec.convert({"preset": preset, "explore_share": 0.0}, Settings)
    report = [measure(settings, int(seed), plays, *catalogue) for catalogue in CATALOGUES for seed in seeds.split(",")]
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), soft_wrap=True, highlight=False)


if __name__ == "__main__":
    typer.run(main)
