"""`segue radio`: a sequence that flows on from a track, an artist or a user and stays near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from console.addresses import settings_of
from console.artists import CatalogueFile, Makers, ReadBefore, makers
from console.commands.comparing import most_played
from console.output import Json, guarded, say, say_json, screen
from console.placing import partition_of_user, require_track, require_user, user_key
from console.redis_door import State
from console.trouble import Exit, Trouble, a_play
from infra.settings import Settings
from streams.clock import SystemClock
from streams.radio_rules import DRIFT, LENGTH, LENGTH_MAX, SEEDS_MAX, SPACING, SPACING_MAX, Rules

if TYPE_CHECKING:
    from streams.radio import Seed
    from streams.small_ranking import SmallRanking


@guarded
def radio(
    context: typer.Context,
    track: Annotated[str, typer.Option("--track", help="Start from this track.")] = "",
    user: Annotated[str, typer.Option("--user", help="Go on with this user's session, near what they heard last.")] = "",
    artist: Annotated[str, typer.Option("--artist", help="Start from what an artist of the catalogue made.")] = "",
    catalogue: CatalogueFile = None,
    length: Annotated[int, typer.Option(min=1, max=LENGTH_MAX, help="How many tracks.")] = LENGTH,
    drift: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0 = as near to the start as its surroundings are, 1 = wherever it goes.")
    ] = DRIFT,
    spacing: Annotated[
        int, typer.Option(min=0, max=SPACING_MAX, help="No artist twice within so many, as far as they are known.")
    ] = SPACING,
    by_event: Annotated[
        bool, typer.Option("--by-event", help="--user asks for it (with --track or --artist, or for their session) by an event.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer to an event.")] = 30.0,
    as_json: Json = False,
) -> None:
    """A sequence without repeats, from the same sources as the lists; the same state gives the same sequence."""
    if by_event:
        asked = {"track_id": track, "artist": artist, "n": length, "drift": drift, "spacing": spacing}
        _by_event(settings_of(context), user, asked, wait, as_json)
        return
    # The kernels' modules take a second to import: only this command pays for it.
    from console.ranking import answer

    if [bool(track), bool(user), bool(artist)].count(True) != 1:
        raise Trouble(Exit.USAGE, "one of the three: --track, --user, or --artist", "segue radio --help")
    state = State(settings_of(context))
    artists = makers(state, catalogue)
    if user:
        require_user(state, user)
    if track:
        require_track(state, track)
    seeds = [track] if track else most_played(state, artists, artist)[:SEEDS_MAX][::-1] if artist else []
    told = answer(_told(state, user, seeds, artists, Rules(length, spacing, drift)))
    if as_json:
        say_json({"track": track or None, "user": user or None, "artist": artist or None, "seeds": seeds, **told})
    else:
        _show(f"radio from {track or user or artist}", told)
    if len(told["tracks"]) < length:
        say(f"{len(told['tracks'])} of {length}: nothing else is within reach yet")


def _by_event(settings: Settings, user: str, asked: dict[str, Any], wait_s: float, as_json: bool) -> None:
    if not user or (asked["track_id"] and asked["artist"]):
        raise Trouble(
            Exit.USAGE, "an event asks for a --user, from one --track, one --artist, or their session", "segue radio --by-event --user ana"
        )
    from console.asking import ask

    question = {"type": "radio", "user_id": user, **{name: value for name, value in asked.items() if value != ""}}
    heard = ask(settings, question, SystemClock().now_ms(), wait_s)
    if as_json:
        say_json({**msgspec.to_builtins(heard.answer), "waited_s": round(heard.waited_s, 3)})
        return
    start = asked["track_id"] or asked["artist"] or "their session"
    table = Table("#", "track", "near", "source", "because of", title=f"radio for {user} from {start}, {heard.answer.answer_id}")
    for place, step in enumerate(heard.answer.entries, 1):
        table.add_row(str(place), step.track_id, f"{step.near:.2f}" + (" !" if step.far else ""), step.source, ", ".join(step.because))
    screen().print(table)
    if len(heard.answer.entries) < asked["n"]:
        say(f"{len(heard.answer.entries)} of {asked['n']}: nothing else is within reach yet")


async def _told(state: State, user: str, seeds: list[str], artists: Makers, rules: Rules) -> dict[str, Any]:
    from console.ranking import ranking_of
    from streams.radio import Radio

    world = ranking_of(state)
    seed = await _seed(state, world, user, seeds)
    if seed.direction is None:
        what = user or seeds[-1]
        raise Trouble(
            Exit.FAILURE, f"nothing leads on from {what!r}: no other track was played near", a_play(user or "ana", "another-track")
        )
    made = Radio(world, seed, rules, ReadBefore(artists))
    tracks = [
        {**one._asdict(), "track": world.names.id(one.track), "because": [world.names.id(track) for track in one.because]}
        for one in await made.play()
    ]
    for one in tracks:
        one["artist"] = artists.name(str(one["track"]))
    return {"floor": made.floor, "drift": rules.drift, "tracks": tracks}


async def _seed(state: State, world: SmallRanking, user: str, seeds: list[str]) -> Seed:
    from streams.radio import seed_of, seed_of_user

    if not user:
        await world.open("", 0, None)
        return await seed_of(world, world.names.hashes(seeds))
    await world.open(user, partition_of_user(state.settings, user), state.fields(user_key(state, user), ["row"]).get("row"))
    return seed_of_user(world)


def _show(title: str, told: dict[str, Any]) -> None:
    table = Table("#", "track", "artist", "near", "source", "because of", title=f"{title} (near at least {told['floor']:.2f})")
    for place, one in enumerate(told["tracks"], 1):
        near = f"{one['near']:.2f}" + (" !" if one["far"] else "")
        table.add_row(str(place), one["track"], one["artist"] or "", near, one["source"], ", ".join(one["because"]))
    screen().print(table)
    if any(one["far"] for one in told["tracks"]):
        screen().print("! = nothing nearer was left")
