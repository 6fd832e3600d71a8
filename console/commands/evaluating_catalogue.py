"""`segue evaluate catalogue FILE`: how well genres are told, on a catalogue's own labels, beside rivals in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.evaluating import chosen, steps
from console.output import Json, guarded, say, say_json, screen
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
    from evaluation.genres.rivals import RIVALS

    beside, shuffles = chosen(rivals, RIVALS, f"segue evaluate catalogue {file}"), _seeds(seeds, file)
    tracks = _tracks(file, maps or [], sample)
    report = {"file": file.name, **evaluate(tracks, shuffles, beside, steps)}
    if ablation:
        from evaluation.genres.ablation import ablate, select

        report["selection"] = select(tracks, shuffles[0])
        report["ablation"] = ablate(tracks, shuffles[0], steps)
    if as_json:
        say_json(report)
    else:
        for part in tables(report):
            screen().print(part)


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
    from console.clean_catalogue import clean_rows
    from evaluation.genres.contest import Track

    mapping, rows = clean_rows(file, maps)
    tracks: dict[str, Track] = {}
    for values in rows:
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
