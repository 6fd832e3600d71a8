"""`segue micro-genres`, `segue text-clusters`: the clusters of tracks that a models worker keeps."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from console.addresses import settings_of
from console.micro_genre_state import MODEL, TEXT_MODEL, served
from console.output import Json, guarded, say_json, screen
from console.redis_door import State
from console.trouble import Exit, Trouble
from online_models.clusters.served import Cluster, Served

InGenre = Annotated[str, typer.Option("--genre", help="Only those that nest in this genre.")]


@guarded
def micro_genres(context: typer.Context, genre: InGenre = "", as_json: Json = False) -> None:
    """The micro-genres that grew out of the catalogue, the largest first."""
    _show(State(settings_of(context)), MODEL, "micro-genre", genre, as_json)


@guarded
def text_clusters(context: typer.Context, genre: InGenre = "", as_json: Json = False) -> None:
    """What the catalogue's tags, titles and lyrics are about: clusters of words, the largest first."""
    _show(State(settings_of(context)), TEXT_MODEL, "text cluster", genre, as_json)


def _show(state: State, model: str, noun: str, genre: str, as_json: bool) -> None:
    key, found = state.keys.serving(model), served(state, model)
    if found is None:
        raise Trouble(Exit.FAILURE, f"no models worker saved any (no {key}): tracks come first", "segue import catalogue FILE")
    clusters = [cluster for cluster in found.clusters if genre in ("", cluster.genre)]
    if genre and not clusters:
        there = ", ".join(sorted({cluster.genre for cluster in found.clusters} - {""})) or "none"
        raise Trouble(Exit.FAILURE, f"no {noun} nests in {genre!r}; there are {there}", f"segue {noun.replace(' ', '-')}s")
    if as_json:
        say_json({"key": key, "version": found.version, "tracks": found.lessons, "first_at": found.first_at, "clusters": clusters})
    elif clusters:
        screen().print(_table(found, clusters, noun))
    else:
        screen().print(f"{found.lessons:,} tracks were seen; the first {noun}s are born at {found.first_at:,}", markup=False)


def _table(found: Served, clusters: list[Cluster], noun: str) -> Table:
    table = Table("id", noun, "tracks", "share", "genres", "words", "artists", title=f"of {found.lessons:,} tracks")
    for it in clusters:
        genres = ", ".join(f"{genre} {share:.0%}" for genre, share in it.genres.items())
        table.add_row(str(it.id), it.name, f"{it.size:,}", f"{it.share:.1%}", genres, ", ".join(it.words), ", ".join(it.artists))
    return table
