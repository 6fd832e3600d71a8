"""`segue map --out map.html`: the live map, or that of a file, as a page or picture; `segue evaluate maps FILE`: is it true and still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from rich.table import Table

from console.addresses import settings_of
from console.commands.clusters import SEEDS_N, steps_of
from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.redis_door import State
from console.trouble import Exit, Trouble
from streams.clock import SystemClock

if TYPE_CHECKING:
    from online_models.arrays import F64
    from online_models.clusters.micro_genres import MicroGenres
    from online_models.clusters.track import Track
    from online_models.maps.track_map import TrackMap

PAGES = (".html", ".htm")
TRACKS_MIN = 100
"""Before so many there is no scale by which sounds are near or far."""
WHO = {
    "ours": "ours",
    "library_landmarks": "with landmarks by scikit-learn",
    "batch": "scikit-learn's MDS of the compared",
    "classical": "classical scaling (PCA)",
}
MEASURES = {
    "stress": "stress-1",
    "over_batch": "  over the batch's",
    "neighbours": "neighbours kept (trustworthiness)",
    "landmarks_stress": "stress-1 of the landmarks",
    "drawing_s": "CPU seconds per drawing",
    "move_share_mean": "way of old tracks per 1,000 arrivals",
    "move_share_max": "  the longest of all looks",
}
"""The last two as shares of the diameter."""


class Drawn(NamedTuple):
    """What is written."""

    places: F64
    """(n, 2 or 3)"""
    names: list[str]
    groups: list[str]
    about: str
    stress: float


Maps = Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="genre=style")]
File = Annotated[Path, typer.Argument(help="A catalogue: csv, tsv, jsonl or parquet; .gz and .zip are opened.")]


Colour = Literal["genre", "cluster", "micro-genre", "segment", "kind"]
FIELDS: dict[Colour, str] = {"genre": "genre", "cluster": "cluster", "micro-genre": "cluster", "segment": "listener", "kind": "listener"}
"""Of a spot of the live map."""


@guarded
def map_(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="What to write: a page (html) or a picture (png, svg, pdf).")],
    file: Annotated[Path | None, typer.Argument(help="A catalogue file; without one, the map that the models worker keeps.")] = None,
    colour: Annotated[Colour, typer.Option(help="What colours a dot; cluster = micro-genre; segment and kind are people's.")] = "genre",
    dims: Annotated[int, typer.Option(min=2, max=3, help="2, or 3: the page turns it.")] = 2,
    audio_only: Annotated[bool, typer.Option("--audio-only", help="Of a file: by sound alone, without artists, words and labels.")] = False,
    users: Annotated[bool, typer.Option("--users", help="Without a file: people, each at the mean of their newest tracks.")] = False,
    maps: Maps = None,
    as_json: Json = False,
) -> None:
    """Write where tracks, or people, lie as one HTML page or a picture: of the imported catalogue, or of a file that is played through."""
    if out.suffix.lower() not in PAGES:
        _check_picture(out, file)
    if file is not None and users:
        raise Trouble(Exit.USAGE, "people are on the map that stands in Redis, not in a catalogue file", f"segue map --users --out {out}")
    if FIELDS[colour] == "listener" and not users:
        raise Trouble(Exit.USAGE, f"people have a {colour}, tracks have none", f"segue map --users --colour {colour} --out {out}")
    drawn = _live(context, colour, dims, users) if file is None else _of_file(file, colour, dims, audio_only, maps or [])
    if out.suffix.lower() in PAGES:
        _write_page(out, drawn, file)
    else:
        _write_picture(out, drawn, file)
    counts = Counter(drawn.groups)
    what = "users" if users else "tracks"
    if as_json:
        say_json({"out": str(out), what: len(drawn.names), "dims": dims, "stress": drawn.stress, "groups": counts})
    else:
        say(f"{out}: {len(drawn.names):,} {what} in {len(counts)} groups, stress {drawn.stress}")


def _live(context: typer.Context, colour: Colour, dims: int, users: bool) -> Drawn:
    """The map as it stands in Redis. Raises `Trouble` where there is none."""
    import numpy as np

    from console import live_map

    state = State(settings_of(context))
    served = live_map.served(state)
    if served is None or not served.drawn:
        seen = (
            f"{served.lessons:,} of {served.first_at:,} tracks were seen" if served else f"there is no {state.keys.serving(live_map.MODEL)}"
        )
        raise Trouble(Exit.FAILURE, f"no models worker has drawn a map: {seen}", "segue import catalogue FILE")
    spots = live_map.users(state, dims, _listener(state, colour)) if users else live_map.tracks(state, dims)
    if not spots:
        raise Trouble(Exit.FAILURE, "nobody played a track that lies on the map", "segue map --out map.html")
    stress = served.stress_2d if dims == 2 else served.stress_3d
    groups = [getattr(spot, FIELDS[colour]) for spot in spots]
    what = "people at the mean of their newest tracks" if users else "tracks"
    about = f"{len(spots):,} {what}, coloured by {colour}; drawn {served.drawn} times, of {served.lessons:,} tracks; stress {stress:.3f}"
    return Drawn(np.array([spot.lies for spot in spots]), [spot.name for spot in spots], groups, about, stress)


def _listener(state: State, colour: Colour) -> Callable[[bytes], str] | None:
    """Tells a user's segments, or kind, by their row as of now; None for other colours. Raises `Trouble` where nothing is served."""
    if FIELDS[colour] != "listener":
        return None
    from console.listening import Segments

    asked, now_ms = Segments(state), SystemClock().now_ms()
    if asked.served is None:
        raise Trouble(Exit.FAILURE, f"there is no {state.keys.serving('segments')}: no models worker learned segments yet", "segue up")
    return partial(asked.name if colour == "segment" else asked.kind, now_ms=now_ms)


def _of_file(file: Path, colour: Colour, dims: int, audio_only: bool, maps: list[str]) -> Drawn:
    """A map of a file. Raises `Trouble` for one that has too few tracks."""
    import numpy as np

    from console.clean_catalogue import clean_tracks
    from online_models.clusters.naming import shown
    from online_models.clusters.track import track_of

    values = clean_tracks(file, maps)
    if len(values) < TRACKS_MIN:
        raise Trouble(Exit.INVALID, f"{file} has {len(values)} tracks; a map needs {TRACKS_MIN}", f"segue quality catalogue {file}")
    tracks = [track_of(it) for it in values]
    model, made = _play(tracks, audio_only, dims)
    points = model.points(np.array([track.numbers for track in tracks]), model.evidence(tracks, learned=True))
    text = dict(zip(model.ids, shown(model.names), strict=True))
    clusters = [text[it] for it in model.place(points).tolist()]
    groups = [str(it.get("genre", "no genre")) for it in values] if colour == "genre" else clusters
    names = [" - ".join(str(it[field]) for field in ("artist", "title") if field in it) or str(it["track_id"]) for it in values]
    about = f"{len(tracks):,} tracks of {file.name}, coloured by {colour}; stress {made.stress():.3f}"
    return Drawn(made.place(points), names, groups, about, round(made.stress(), 4))


def _again(file: Path | None, out: str) -> str:
    return f"segue map {f'{file} ' if file is not None else ''}--out {out}"


def _check_picture(out: Path, file: Path | None) -> None:
    from console.pictures import check_ending

    check_ending(out, _again(file, str(out.with_suffix(".html"))))


def _write_picture(out: Path, drawn: Drawn, file: Path | None) -> None:
    from console.pictures import track_map, write

    write(track_map(drawn.places, drawn.groups, drawn.about), out, _again(file, "map.png"))


def _write_page(out: Path, drawn: Drawn, file: Path | None) -> None:
    from console.map_page import page

    about = f"{drawn.about}. Drag, zoom, point; click a group to hide it."
    try:
        out.write_text(page(drawn.places, drawn.names, drawn.groups, about), encoding="utf-8")
    except OSError as error:
        raise Trouble(Exit.USAGE, f"{out} cannot be written: {error.strerror}", _again(file, "map.html")) from error


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
    """Play a catalogue through the map in shuffled orders: how true they are beside a batch's, and how far old tracks move."""
    if find_spec("sklearn") is None:
        raise Trouble(Exit.FAILURE, "the rival of maps is missing: the package scikit-learn", "pip install 'segue[rivals]'")
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
    for part in _measured(report):
        screen().print(part, markup=False)


def _measured(report: dict[str, Any]) -> Iterator[Table]:
    """A table for each variant."""
    for variant, found in report["variants"].items():
        title = (
            f"{variant}: {report['tracks']:,} tracks, {report['compared']:,} of them compared, {report['dims']} dimensions; "
            f"mean of seeds {report['seeds']} and deviation"
        )
        table = Table("", *WHO.values(), title=title, title_justify="left")
        for name, words in MEASURES.items():
            table.add_row(words, *(_with_deviation(found[who].get(name)) for who in WHO))
        yield table


def _with_deviation(found: dict[str, float] | None) -> str:
    return "" if found is None else f"{found['mean']:.4f} ± {found['deviation']:.4f}"
