"""`segue like`, `dislike`, `block`, `unblock`, `undo`, `forget`, `pause`, `resume`: what a user says beside playing."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import typer

from console.addresses import settings_of
from console.commands.sending import instant, produce
from console.output import Json, guarded, say_json
from console.trouble import Exit, Trouble
from streams.clock import SystemClock

User = Annotated[str, typer.Argument(help="The user's id.")]
Track = Annotated[str, typer.Argument(help="The track's id.")]
TrackOrArtist = Annotated[str, typer.Argument(help="The track's id; or --artist.")]
Artist = Annotated[
    str, typer.Option("--artist", help="Instead of a track: the artist, as plays name them; case and spacing do not matter.")
]
EventId = Annotated[str, typer.Option(help="Default: a fresh one. `segue undo` takes it back.")]

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_SPAN_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@guarded
def like(context: typer.Context, user: User, track: Track, event_id: EventId = "", as_json: Json = False) -> None:
    """Make a track likelier in the user's lists."""
    _say(context, as_json, "like", user, event_id, track_id=track)


@guarded
def dislike(context: typer.Context, user: User, track: Track, event_id: EventId = "", as_json: Json = False) -> None:
    """Keep a track out of the user's lists, until they like it or undo this."""
    _say(context, as_json, "dislike", user, event_id, track_id=track)


@guarded
def block(
    context: typer.Context,
    user: User,
    track: TrackOrArtist = "",
    artist: Artist = "",
    until: Annotated[str, typer.Option(help="When it ends: 30m, 8h, 7d from now, epoch ms, or RFC 3339; default: never.")] = "",
    event_id: EventId = "",
    as_json: Json = False,
) -> None:
    """Keep a track, or an artist's tracks, out of the user's lists, for ever or until a time."""
    told = {"until": _until(until, SystemClock().now_ms())} if until else {}
    _say(context, as_json, "block", user, event_id, **_subject("block", track, artist), **told)


@guarded
def unblock(
    context: typer.Context, user: User, track: TrackOrArtist = "", artist: Artist = "", event_id: EventId = "", as_json: Json = False
) -> None:
    """End every block of a track, or of an artist."""
    _say(context, as_json, "unblock", user, event_id, **_subject("unblock", track, artist))


@guarded
def undo(
    context: typer.Context,
    user: User,
    event: Annotated[str, typer.Argument(help="Id of the event to take back: a like, dislike, block, unblock or play.")],
    event_id: EventId = "",
    as_json: Json = False,
) -> None:
    """Be as if a decision had not been made, or forget a play."""
    _say(context, as_json, "undo", user, event_id, undone_event_id=event)


@guarded
def forget(
    context: typer.Context,
    user: User,
    track: Annotated[str, typer.Argument(help="The track whose plays are forgotten.")] = "",
    event: Annotated[str, typer.Option(help="Instead of a track: id of the one play to forget.")] = "",
    event_id: EventId = "",
    as_json: Json = False,
) -> None:
    """Take plays out of the user's history: all of a track, or one."""
    if bool(track) == bool(event):
        raise Trouble(Exit.USAGE, "forget a track, or one play by its event's id: one of the two", "segue forget ana t42")
    _say(context, as_json, "forget", user, event_id, **({"track_id": track} if track else {"forgotten_event_id": event}))


@guarded
def pause(context: typer.Context, user: User, event_id: EventId = "", as_json: Json = False) -> None:
    """Stop learning from a user's plays: they count as private, and change no list."""
    _say(context, as_json, "pause", user, event_id)


@guarded
def resume(context: typer.Context, user: User, event_id: EventId = "", as_json: Json = False) -> None:
    """Learn from a user's plays again."""
    _say(context, as_json, "resume", user, event_id)


def _say(context: typer.Context, as_json: bool, kind: str, user: str, event_id: str, **fields: Any) -> None:
    """Send one event and tell where it lies."""
    settings = settings_of(context)
    event = {"type": kind, "user_id": user, **fields} | ({"event_id": event_id} if event_id else {})
    sent = produce(settings, [event], SystemClock().now_ms(), quiet=as_json)
    if as_json:
        say_json({"topic": f"{settings.namespace}.events", "n": len(sent), "sent": sent})


def _subject(kind: str, track: str, artist: str) -> dict[str, str]:
    """What is blocked. Raises Trouble: not one of the two."""
    if bool(track) == bool(artist):
        raise Trouble(Exit.USAGE, f"{kind} a track, or an artist: one of the two", f"segue {kind} ana t42")
    return {"track_id": track} if track else {"artist": artist}


def _until(text: str, now_ms: int) -> int | str:
    """
    >>> _until("8h", 1_000), _until("1764582000000", 0), _until("2025-12-01T09:40:00Z", 0)
    (28801000, 1764582000000, '2025-12-01T09:40:00Z')
    """
    span = _SPAN.fullmatch(text)
    return now_ms + int(span[1]) * _SPAN_MS[span[2]] if span else instant(text)
