"""`segue send` and `segue tail`: the two Kafka doors, by hand."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from console.addresses import settings_of
from console.decode import shown
from console.kafka_door import Delivered, Sender, n_partitions, records
from console.output import Json, guarded, say, say_json, screen
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.clock import SystemClock

TOPICS = (
    "events",
    "recommendations",
    "dead-letters",
    "tracks",
    "users",
    "answers",
    "decisions",
    "internal.track-deltas",
    "internal.lessons",
    "internal.verdicts",
    "internal.erasures",
)
VALUE_CHARS_MAX = 400


@guarded
def send(
    context: typer.Context,
    user: Annotated[str, typer.Option("--user", "-u", help="Who; without it, JSON events are read from stdin, one a line.")] = "",
    track: Annotated[str, typer.Option("--track", "-t", help="What.")] = "",
    kind: Annotated[
        str, typer.Option("--type", help="play, erase, or what has a command of its own: like, dislike, block, unblock, pause, resume.")
    ] = "play",
    played_at: Annotated[str, typer.Option(help="Start of listening: epoch ms or RFC 3339; default: it ends now.")] = "",
    ms_played: Annotated[int | None, typer.Option(min=0, help="How long it was heard.")] = None,
    duration_ms: Annotated[int | None, typer.Option(min=0, help="How long the track is.")] = None,
    session: Annotated[str, typer.Option(help="Session id; without one a gap of 30 minutes ends a session.")] = "",
    reason_end: Annotated[str, typer.Option(help="trackdone = to its end.")] = "",
    artist: Annotated[
        str, typer.Option(help="Who made it: lists hold few tracks of one artist, and `block --artist` knows whose it is.")
    ] = "",
    album: Annotated[str, typer.Option(help="Which one it is on; counts beside --artist.")] = "",
    event_id: Annotated[str, typer.Option(help="Default: a fresh one. The same id again counts once.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Counted, and otherwise forgotten.")] = False,
    as_json: Json = False,
) -> None:
    """Produce one event, or JSON lines from stdin; prints where each lies."""
    settings = settings_of(context)
    now_ms = SystemClock().now_ms()
    if user:
        told = {
            "event_id": event_id,
            "type": "" if kind == "play" else kind,
            "user_id": user,
            "track_id": track,
            "played_at": instant(played_at) if kind == "play" else "",
            "ms_played": ms_played,
            "duration_ms": duration_ms,
            "session_id": session,
            "reason_end": reason_end,
            "artist": artist,
            "album": album,
            "private": private or None,
        }
        events: Iterable[dict[str, Any]] = [{name: each for name, each in told.items() if each not in ("", None)}]
        if kind == "play" and not track:
            raise Trouble(Exit.USAGE, "a play needs a track", f"segue send --user {user} --track t42")
    elif sys.stdin.isatty():
        raise Trouble(Exit.USAGE, "no --user, and nothing is piped in", "segue send --user ana --track t42")
    else:
        events = _lines(sys.stdin)
    sent = produce(settings, events, now_ms, quiet=as_json)
    if as_json:
        say_json({"topic": f"{settings.namespace}.events", "n": len(sent), "sent": sent})


@guarded
def tail(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help=f"One of {', '.join(TOPICS)}, or a full name.")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Start at the oldest record.")] = False,
    n: Annotated[int, typer.Option("-n", min=0, help="Stop after so many records; 0 = none is too many.")] = 0,
    last: Annotated[int, typer.Option(min=0, help="Start so many records before the end of each partition.")] = 0,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for new records.")] = True,
    lines: Annotated[bool, typer.Option("--jsonl", help="One JSON object per record, as they come.")] = False,
    as_json: Json = False,
) -> None:
    """Follow a topic, decoded. With --json all records come as one object at the end (-n, --no-follow or Ctrl-C)."""
    settings = settings_of(context)
    name = full_name(topic, settings.namespace)
    gathered: list[dict[str, Any]] = []
    n_partitions(settings, name)
    if follow and not n:
        say(f"following {name}; stop with Ctrl-C")
    try:
        for count, message in enumerate(records(settings, name, from_beginning=from_beginning, last=last, follow=follow), 1):
            record = shown(message)
            if as_json:
                gathered.append(record)
            elif lines:
                say_json(record)
            else:
                screen().print(_line(record), markup=False)
            if count == n:
                break
    except KeyboardInterrupt:
        say("stopped")
    if as_json:
        say_json({"topic": name, "n": len(gathered), "records": gathered})


def full_name(topic: str, namespace: str) -> str:
    """
    >>> full_name("events", "segue"), full_name("segue.events", "segue")
    ('segue.events', 'segue.events')

    Raises
    ------
    Trouble : neither one of ours nor a full name (exit 2)
    """
    if topic in TOPICS:
        return f"{namespace}.{topic}"
    if "." in topic:
        return topic
    raise Trouble(Exit.USAGE, f"no topic {topic!r}; there are {', '.join(TOPICS)}", "segue tail recommendations")


def produce(settings: Settings, events: Iterable[dict[str, Any]], now_ms: int, *, quiet: bool) -> list[dict[str, Any]]:
    """Sends each event; returns (and, unless `quiet`, prints) event id, partition and offset of each."""
    topic = f"{settings.namespace}.events"
    # Asked first: a producer alone would wait a minute before it says that nobody is there.
    n_partitions(settings, topic)
    sender = Sender(settings)
    sent: list[dict[str, Any]] = []

    def acknowledged(event: str, at: Delivered) -> None:
        sent.append({"event_id": event, "partition": at.partition, "offset": at.offset})
        if not quiet:
            screen().print(f"{event}  partition {at.partition}  offset {at.offset}", markup=False)

    try:
        for each in events:
            body = _completed(each, now_ms)
            one = str(body["event_id"])
            headers = _cloudevent(body, settings.namespace)
            sender.send(
                topic,
                body["user_id"].encode(),
                msgspec.json.encode(body),
                headers=headers,
                then=lambda at, one=one: acknowledged(one, at),  # type: ignore[misc]
            )
    finally:
        # Also when a line was refused: what stands before it is sent, as the error says.
        sender.flush()
    return sent


def _completed(event: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """An event id where there is none, and for a play its start: it ended now."""
    body = {"event_id": uuid.uuid4().hex, **event}
    if body.get("type", "play") == "play" and "played_at" not in body:
        heard = body.get("ms_played")
        body["played_at"] = now_ms - (heard if isinstance(heard, int) else 0)
    return body


def _cloudevent(body: dict[str, Any], namespace: str) -> list[tuple[str, bytes]]:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(body["event_id"]),
        "ce_type": f"segue.{body.get('type', 'play')}.v1",
        "ce_source": f"/{namespace}/console",
        "content-type": "application/json",
    }
    return [(name, each.encode()) for name, each in headers.items()]


def _lines(stream: Iterable[str]) -> Iterator[dict[str, Any]]:
    """JSON objects with a user, one a line; empty lines are passed over.

    Raises
    ------
    Trouble : a line is not that (exit 3); lines before it are sent already
    """
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise Trouble(Exit.INVALID, f"line {number} is not JSON: {error}", "segue send --help") from error
        if not isinstance(event, dict) or not isinstance(event.get("user_id"), str) or not event["user_id"]:
            raise Trouble(Exit.INVALID, f"line {number} is not an object with a user_id", "segue send --help")
        yield event


def instant(text: str) -> int | str:
    """Digits are epoch ms; anything else goes as it is (RFC 3339; the workers judge it)."""
    return int(text) if text.isdigit() else text


def _line(record: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(record["at"] / 1_000, UTC).strftime("%H:%M:%S.%f")[:-3]
    body = msgspec.json.encode(record["value"]).decode()
    why = record["headers"].get("__dlq.errors.reason")
    cut = body if len(body) <= VALUE_CHARS_MAX else body[:VALUE_CHARS_MAX] + "…"
    return f"{record['partition']}@{record['offset']} {at} {record['key']} {f'[{why}] ' if why else ''}{cut}"
