"""`segue map FILE --out map.html`: a catalogue as page or picture; `segue evaluate maps FILE`: how true it is, whether it stands still."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from console.commands.clusters import SEEDS_N, steps_of
from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from online_models.arrays import F64
    from online_models.clusters.micro_genres import MicroGenres
    from online_models.clusters.track import Track
    from online_models.maps.track_map import TrackMap

PAGES = (".html", ".htm")
TRACKS_MIN = 100
"""Before so many there is no scale by which sounds are near or far."""
MEASURES = {
    "stress": "stress-1 of 2,000 tracks",
    "stress_batch": "of a batch's SMACOF of the same",
    "stress_over_batch": "ours over the batch's",
    "move_share_mean": "way of old tracks per 1,000 arrivals, share of the diameter",
    "move_share_max": "  the longest of all looks",
}
Maps = Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="genre=style")]
File = Annotated[Path, typer.Argument(help="A catalogue: csv, tsv, jsonl or parquet; .gz and .zip are opened.")]


@guarded
def map_(
    file: File,
    out: Annotated[Path, typer.Option(help="What to write: a page (html) or a picture (png, svg, pdf).")],
    colour: Annotated[Literal["genre", "cluster"], typer.Option(help="What colours a track.")] = "genre",
    dims: Annotated[int, typer.Option(min=2, max=3, help="2, or 3: the page turns it.")] = 2,
    audio_only: Annotated[bool, typer.Option("--audio-only", help="By sound alone, without artists, words and labels.")] = False,
    maps: Maps = None,
    as_json: Json = False,
) -> None:
    """Play a catalogue through micro-genres and map, and write where its tracks lie as one HTML page, or as a picture."""
    import numpy as np

    from console.clean_catalogue import clean_tracks
    from online_models.clusters.naming import shown
    from online_models.clusters.track import track_of

    is_page = out.suffix.lower() in PAGES
    if not is_page:
        _check_picture(out, file)
    values = clean_tracks(file, maps or [])
    if len(values) < TRACKS_MIN:
        raise Trouble(Exit.INVALID, f"{file} has {len(values)} tracks; a map needs {TRACKS_MIN}", f"segue quality catalogue {file}")
    tracks = [track_of(it) for it in values]
    model, made = _play(tracks, audio_only, dims)
    points = model.points(np.array([track.numbers for track in tracks]), model.evidence(tracks, learned=True))
    text = dict(zip(model.ids, shown(model.names), strict=True))
    clusters = [text[it] for it in model.place(points).tolist()]
    groups = clusters if colour == "cluster" else [str(it.get("genre", "no genre")) for it in values]
    about = f"{len(tracks):,} tracks of {file.name}, coloured by {colour}; stress {made.stress():.3f}"
    if is_page:
        names = [" - ".join(str(it[field]) for field in ("artist", "title") if field in it) or str(it["track_id"]) for it in values]
        _write_page(out, made.place(points), names, groups, about, file)
    else:
        _write_picture(out, made.place(points), groups, about, file)
    counts, stress = Counter(groups), round(made.stress(), 4)
    if as_json:
        say_json({"out": str(out), "tracks": len(tracks), "dims": dims, "stress": stress, "groups": counts})
    else:
        say(f"{out}: {len(tracks):,} tracks in {len(counts)} groups, stress {stress}")


def _check_picture(out: Path, file: Path) -> None:
    from console.pictures import check_ending

    check_ending(out, f"segue map {file} --out {out.with_suffix('.html')}")


def _write_picture(out: Path, points: F64, groups: list[str], about: str, file: Path) -> None:
    from console.pictures import track_map, write

    write(track_map(points, groups, about), out, f"segue map {file} --out map.png")


def _write_page(out: Path, points: F64, names: list[str], groups: list[str], about: str, file: Path) -> None:
    from console.map_page import page

    try:
        out.write_text(page(points, names, groups, f"{about}. Drag, zoom, point; click a group to hide it."), encoding="utf-8")
    except OSError as error:
        raise Trouble(Exit.USAGE, f"{out} cannot be written: {error.strerror}", f"segue map {file} --out map.html") from error


def _play(tracks: list[Track], audio_only: bool, dims: int) -> tuple[MicroGenres, TrackMap]:
    """The model of a file may be smaller than that of a stream: then its clusters are born at its end."""
    from online_models.clusters.micro_genres import MicroGenres
    from online_models.maps.track_map import TrackMap

    model, made = MicroGenres("audio" if audio_only else "labels"), TrackMap(dims)
    with Steps("tracks", len(tracks)) as steps:
        for n, track in enumerate(tracks, 1):
            model.learn_one(track)
            steps.show(n)
    model.review()
    made.update(model)
    return model, made


@guarded
def evaluate_maps(
    file: File,
    maps: Maps = None,
    seeds: Annotated[int, typer.Option(min=1, max=20, metavar="N", help="Shuffled orders, seeds 1 to N.")] = SEEDS_N,
    dims: Annotated[int, typer.Option(min=2, max=3)] = 2,
    as_json: Json = False,
) -> None:
    """Play a catalogue through the map in shuffled orders: its stress beside a batch's, and how far old tracks move."""
    from console.clean_catalogue import clean_tracks
    from evaluation.map_contest import evaluate
    from online_models.clusters.track import track_of

    tracks = [track_of(values) for values in clean_tracks(file, maps or [])]
    if len(tracks) < TRACKS_MIN:
        raise Trouble(Exit.INVALID, f"{file} has {len(tracks)} tracks; a map needs {TRACKS_MIN}", f"segue quality catalogue {file}")
    report = {"file": file.name, **evaluate(tracks, range(1, seeds + 1), dims, steps_of)}
    if as_json:
        say_json(report)
        return
    table = Table(
        "", *report["variants"], title=f"{len(tracks):,} tracks, {dims} dimensions, seeds {report['seeds']}", title_justify="left"
    )
    for name, words in MEASURES.items():
        found = [variant[name] for variant in report["variants"].values()]
        table.add_row(words, *(f"{it['mean']:.4f} ({it['least']:.4f} to {it['most']:.4f})" for it in found))
    screen().print(table, markup=False)
