"""`segue evaluate catalogue FILE`: how well genres are told, on a catalogue's own labels, beside rivals in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from evaluation.genres.contest import Track

TRACKS_MIN = 100
"""Fewer say nothing about a half of them."""
SAMPLE_SEED = 0
"""One sample for all orders."""


@guarded
def catalogue(
    file: Annotated[Path, typer.Argument(help="csv, tsv, jsonl or parquet; .gz and .zip are opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="genre=style")] = None,
    seeds: Annotated[str, typer.Option(metavar="N,N", help="Each shuffles the tracks in its own way.")] = "1,2,3",
    rivals: Annotated[str, typer.Option(metavar="NAMES", help="all, none, or names with commas between.")] = "all",
    sample: Annotated[int, typer.Option(min=0, metavar="TRACKS", help="So many tracks, drawn at random; 0 = all.")] = 0,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also without each group of features, and what each tells.")] = False,
    as_json: Json = False,
) -> None:
    """Tell the genre of each track, then learn it; accuracy over the second half of each shuffle."""
    # River and the kernels take seconds to import: only this command pays for them.
    from console.catalogue_report import tables
    from evaluation.genres.contest import evaluate

    chosen, shuffles = _chosen(rivals, file), _seeds(seeds, file)
    tracks = _tracks(file, maps or [], sample)
    report = {"file": file.name, **evaluate(tracks, shuffles, chosen, _steps)}
    if ablation:
        from evaluation.genres.ablation import ablate, select

        report["selection"] = select(tracks, shuffles[0])
        report["ablation"] = ablate(tracks, shuffles[0], _steps)
    if as_json:
        say_json(report)
    else:
        for part in tables(report):
            screen().print(part)


def _chosen(names: str, file: Path) -> tuple[str, ...]:
    from evaluation.genres.rivals import RIVALS

    if names in ("all", "none"):
        return tuple(RIVALS) if names == "all" else ()
    chosen = tuple(name.strip() for name in names.split(","))
    for name in chosen:
        if name not in RIVALS:
            raise Trouble(Exit.USAGE, f"no rival {name!r}; there are {', '.join(RIVALS)}", f"segue evaluate catalogue {file} --rivals all")
    return chosen


def _seeds(text: str, file: Path) -> tuple[int, ...]:
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0:
        why = f"--seeds takes whole numbers from 0 with commas between; got {text!r}"
        raise Trouble(Exit.USAGE, why, f"segue evaluate catalogue {file} --seeds 1")
    return seeds


def _tracks(file: Path, maps: list[str], sample: int) -> list[Track]:
    """Clean rows that have a genre, one per track id: the first, whatever the others say."""
    from console.catalogue_file import HELP, TRACK_COLUMNS, mapped, rows, told_columns
    from evaluation.genres.contest import Track
    from online_models.cleaning.fields import TRACK_FIELDS
    from online_models.cleaning.rows import RowCleaner

    found = rows(file)
    first = next(found, None)
    if first is None:
        raise Trouble(Exit.INVALID, f"{file} has no rows", HELP)
    mapping = mapped(list(first), [field.name for field in TRACK_FIELDS], TRACK_COLUMNS, told_columns(maps))
    tracks: dict[str, Track] = {}
    for values in _clean(RowCleaner(TRACK_FIELDS), ({f: row.get(c) for f, c in mapping.items()} for row in chain([first], found))):
        genre = values.pop("genre", None)
        if isinstance(genre, str):
            tracks.setdefault(str(values["track_id"]), Track(values, genre))
    say(f"{file}: {len(tracks):,} tracks with a genre, " + ", ".join(f"{field} from {column}" for field, column in mapping.items()))
    drawn = _drawn(list(tracks.values()), sample)
    _enough(drawn, file)
    return drawn


def _drawn(tracks: list[Track], n: int) -> list[Track]:
    """Files are often sorted by genre, so their first rows would be of one."""
    import numpy as np

    if not 0 < n < len(tracks):
        return tracks
    return [tracks[i] for i in sorted(np.random.default_rng(SAMPLE_SEED).choice(len(tracks), n, replace=False).tolist())]


def _enough(tracks: list[Track], file: Path) -> None:
    from online_models.genres.sizes import GENRES_MAX

    genres = {track.genre for track in tracks}
    if len(tracks) < TRACKS_MIN or not 1 < len(genres) <= GENRES_MAX:
        raise Trouble(
            Exit.INVALID,
            f"{file} has {len(tracks):,} tracks of {len(genres):,} genres; {TRACKS_MIN} tracks of 2 to {GENRES_MAX} genres are wanted",
            f"segue quality catalogue {file}",
        )


def _clean(cleaner: Any, raws: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from online_models.cleaning.rows import BadRow

    with Steps("rows cleaned", None) as steps:
        for n, raw in enumerate(raws, 1):
            try:
                row = cleaner.clean_one(raw)
            except BadRow:
                continue
            cleaner.learn_one(raw, row)
            yield row.values
            steps.show(n)


@contextmanager
def _steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with Steps(what, total) as steps:
        yield steps.show
