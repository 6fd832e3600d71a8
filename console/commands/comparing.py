"""`segue similar TRACK`, `segue similar --artist NAME`: which tracks are like a track, or like an artist's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import typer
from rich.table import Table

from console.addresses import settings_of
from console.artists import CatalogueFile, Makers, makers
from console.output import Json, guarded, say_json, screen
from console.placing import require_track, track_key
from console.progress import Steps
from console.redis_door import State
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from console.likeness import Contents
    from streams.resemblance import Alike
    from streams.small_ranking import SmallRanking

ARTIST_TRACKS_MAX = 10
"""Tracks of an artist that are asked, the most played first."""
ARTISTS_OF = 500
"""Tracks, the most alike first, whose artists are told of."""
READ_AT_ONCE = 500


@guarded
def similar(
    context: typer.Context,
    track: Annotated[str, typer.Argument(help="The track's id; or --artist.")] = "",
    artist: Annotated[str, typer.Option("--artist", help="Instead of a track: everything that an artist of the catalogue made.")] = "",
    catalogue: CatalogueFile = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1_000, help="How many.")] = 10,
    every: Annotated[bool, typer.Option("--all", help="Look at every track, not at neighbours and theirs alone.")] = False,
    as_json: Json = False,
) -> None:
    """Tracks that are like this one: played near it or in the same company, of the same sound, of the same words. Each line says which."""
    # The kernels' modules take a second to import: only this command pays for it.
    from console.likeness import Contents
    from console.ranking import answer

    if bool(track) == bool(artist):
        raise Trouble(Exit.USAGE, "one of the two: a track's id, or --artist NAME", "segue similar --help")
    state = State(settings_of(context))
    artists, contents = makers(state, catalogue), Contents(state)
    seeds = [track] if track else most_played(state, artists, artist, or_any=contents.exist)
    if track and not contents.of([track])[track].is_known:
        require_track(state, track)
    told = answer(_told(state, seeds, artists, contents, n, every))
    if as_json:
        say_json({"track": track or None, "artist": artist or None, "seeds": seeds, **told})
    else:
        _show(f"like {track or artist}", told)


def most_played(state: State, artists: Makers, artist: str, *, or_any: bool = False) -> list[str]:
    """The artist's tracks that somebody played, the most played first; where there is none, any of them, or `Trouble`."""
    tracks = sorted(artists.tracks(artist))
    heads = [about[0] for about in state.many([(track_key(state, track), ["about"]) for track in tracks])]
    plays = {track: _plays(about) for track, about in zip(tracks, heads, strict=True) if about}
    if not plays and or_any:
        return tracks[:ARTIST_TRACKS_MAX]
    if not plays:
        raise Trouble(Exit.FAILURE, f"nobody played any of {len(tracks)} tracks of {artist!r}", f"segue track {tracks[0]}")
    return sorted(plays, key=lambda track: (-plays[track], track))[:ARTIST_TRACKS_MAX]


def _plays(about: bytes) -> int:
    import msgspec

    return int(msgspec.json.decode(about)["plays"])


async def _told(state: State, seeds: list[str], artists: Makers, contents: Contents, n: int, every: bool) -> dict[str, Any]:
    from console.blending import UNHEARD, Heard, blended
    from console.likeness import NOTHING
    from console.ranking import ranking_of
    from streams.resemblance import by_artist, together

    world = ranking_of(state)
    hashes = world.names.hashes(seeds)
    answers = [await _alike(state, world, seed, n, every) for seed in hashes]
    found = answers[0] if len(seeds) == 1 else together(answers, {*hashes})
    heard = {name: Heard(name, *alike[1:]) for alike in found if (name := world.names.id(alike.track)) is not None}
    if contents.exist and (every or not heard):
        # Tracks that nobody played yet are alike by what the catalogue says alone.
        heard |= {name: UNHEARD._replace(track=name) for name in _catalogue(state) if name not in heard and name not in seeds}
    known = contents.of([*seeds, *heard]) if contents.exist else {}
    all_of_it = blended([known.get(seed, NOTHING) for seed in seeds], [(one, known.get(name, NOTHING)) for name, one in heard.items()])
    shown = all_of_it[: max(n, ARTISTS_OF)]
    artists.know([*seeds, *(one.track for one in shown)])
    own = {artists.name(seed) for seed in seeds}
    others = [(name, score) for name, score in by_artist((one, artists.name(one.track)) for one in shown) if name not in own]
    return {
        "similar": [{**one._asdict(), "artist": artists.name(one.track)} for one in all_of_it[:n]],
        "artists": [{"artist": name, "score": score} for name, score in others[:n]],
    }


def _catalogue(state: State) -> Iterator[str]:
    return (unquote(key.rpartition(":")[2]) for key in state.catalogue_keys())


async def _alike(state: State, world: SmallRanking, seed: int, n: int, every: bool) -> list[Alike]:
    import numpy as np

    from streams.resemblance import candidates, compare

    await world.load_rows(np.array([seed], np.int64))
    if int(world.tracks.slots(np.array([seed], np.int64))[0]) < 0:
        return []  # nobody played it
    near = await candidates(world, seed)
    if every:
        far = _nearest(state, world, seed, n)
        await world.load_rows(far)
        near = np.union1d(near, far)
    return compare(world, seed, near)


def _nearest(state: State, world: SmallRanking, seed: int, n: int) -> Any:
    """The nearest by vector, of every track's row in Redis; progress on stderr."""
    from streams.resemblance import Nearest

    nearest, done = Nearest(world, seed, n), 0
    with Steps("tracks", state.n_tracks()) as steps:
        for keys in _parts(state.track_keys()):
            rows = state.many([(key, ["row"]) for key in keys])
            nearest.show((unquote(key.rpartition(":")[2]), row[0]) for key, row in zip(keys, rows, strict=True))
            done += len(keys)
            steps.show(done)
    return nearest.hashes()


def _parts(keys: Iterable[str]) -> Iterable[list[str]]:
    some: list[str] = []
    for key in keys:
        some.append(key)
        if len(some) == READ_AT_ONCE:
            yield some
            some = []
    yield some


def _show(title: str, told: dict[str, Any]) -> None:
    if not told["similar"]:
        screen().print("nothing yet: it was played near no other track, and no model knows its sound or its words", markup=False)
        return
    table = Table("#", "track", "artist", "score", "listening", "sound", "words", "because of", title=title)
    for place, one in enumerate(told["similar"], 1):
        figures = ("" if one[name] is None else f"{one[name]:.3f}" for name in ("score", "listening", "sound", "words"))
        table.add_row(str(place), one["track"], one["artist"] or "", *figures, one["says"])
    screen().print(table)
    if told["artists"]:
        screen().print("artists: " + ", ".join(f"{one['artist']} ({one['score']:.2f})" for one in told["artists"]), markup=False)
