"""`segue bench simulator`: lists in a closed loop with listeners whose tastes are known; regret against the best possible list."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import typer

from benchmarks.simulator.contenders import Contender, Popular, Segue
from benchmarks.simulator.report import compared, figures, tables
from benchmarks.simulator.run import Record, Size, World, simulate
from console.output import Json, guarded, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble
from infra.settings import Settings

EXPLORES, TIRES = "+exploration", "+fatigue"
CONTENDERS: Final = ("popular", *(preset + more for more in ("", EXPLORES, TIRES) for preset in ("fast", "quality")))


class Asked(NamedTuple):
    """Settings of the contenders that have them."""

    explore_share: float
    fatigue: tuple[float, float] = (Settings().fatigue, Settings().fatigue_next)
    """In `discover`, in `next`."""


def contender(name: str, size: Size, n_tracks: int, seed: int, asked: Asked, log: list[bytes] | None = None) -> Contender:
    """Who makes the lists under that name."""
    if name == "popular":
        return Popular(size.users, n_tracks)
    preset, _, more = name.partition("+")
    share = asked.explore_share if f"+{more}" == EXPLORES else 0.0
    tires, tires_next = asked.fatigue if f"+{more}" == TIRES else (0.0, 0.0)
    chosen = {"preset": preset, "explore_share": share, "fatigue": tires, "fatigue_next": tires_next}
    return Segue(msgspec.convert(chosen, Settings), seed, log)


def measure(size: Size, seed: int, names: tuple[str, ...], asked: Asked, log: Path | None = None) -> dict[str, Any]:
    """The report, as `--json` prints it; with `log` also what the last contender published and was told, for `segue evaluate policy`."""
    records: dict[str, Record] = {}
    for name in names:
        world, lists = World(size, seed), list[bytes]()
        makes = contender(name, size, world.catalogue.n, seed, asked, lists if log else None)
        with Steps(name, len(world.turns)) as steps:
            records[name] = asyncio.run(simulate(world, makes, steps.show))
        if log is not None:
            _write(log, lists, world.events)
    return {
        "size": size._asdict(),
        "seed": seed,
        "explore_share": asked.explore_share,
        "fatigue": asked.fatigue,
        "plays": len(next(iter(records.values())).user),
        "contenders": {name: figures(record, size) for name, record in records.items()},
        "ahead": compared(records, size, seed),
    }


def _write(folder: Path, lists: list[bytes], events: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("recommendations", lists), ("events", events)):
        (folder / f"{name}.jsonl").write_bytes(b"".join(value + b"\n" for value in values))


@guarded
def main(
    users: Annotated[int, typer.Option(min=1, help="Listeners.")] = Size().users,
    days: Annotated[int, typer.Option(min=2, help="Simulated days; the second half is reported.")] = Size().days,
    tracks: Annotated[int, typer.Option(min=100, help="Tracks of the catalogue, a fifth of them new.")] = Size().tracks,
    styles: Annotated[int, typer.Option(min=2, help="Latent styles.")] = Size().styles,
    contenders: Annotated[str, typer.Option(metavar="NAMES", help=f"Of {', '.join(CONTENDERS)}.")] = ",".join(CONTENDERS),
    explore: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Of the places of discover, of those that explore.")
    ] = 0.05,
    fatigue: Annotated[
        float, typer.Option(min=0.0, max=0.9, metavar="SHARE", help="SEGUE_FATIGUE of those with fatigue.")
    ] = Settings().fatigue,
    fatigue_next: Annotated[
        float, typer.Option(min=0.0, max=0.9, metavar="SHARE", help="SEGUE_FATIGUE_NEXT of those with fatigue.")
    ] = Settings().fatigue_next,
    log: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write there what the last one published and was told: segue evaluate policy.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed is the same world.")] = 1,
    as_json: Json = False,
) -> None:
    """Simulate: who makes the lists decides what is heard."""
    names = tuple(name.strip() for name in contenders.split(","))
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise Trouble(Exit.USAGE, f"no contender {unknown[0]!r}; there are {', '.join(CONTENDERS)}", "segue bench simulator")
    report = measure(Size(users, days, tracks, styles), seed, names, Asked(explore, (fatigue, fatigue_next)), log)
    if as_json:
        say_json(report)
    else:
        for table in tables(report):
            screen().print(table)


if __name__ == "__main__":
    typer.run(main)
