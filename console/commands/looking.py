"""`segue recommend`, `user`, `track`, `where`, `quality`: what stands in Redis, as any client reads it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from console.addresses import settings_of
from console.catalogue_state import place_of, row_of
from console.commands.repeating import Again, recommend_again
from console.commands.staying import Genre, Mood, recommend_within
from console.labels import within
from console.listening import expected_plays, in_words, segments
from console.measures import by_day, recent, since
from console.micro_genre_state import TEXT_MODEL, micro_genre_of
from console.moments import moment
from console.output import Json, guarded, say_json, screen
from console.placing import partition_of_track, partition_of_user, track_key, user_key
from console.redis_door import State
from console.trouble import Exit, Trouble
from streams.clock import SystemClock
from streams.decisions import decisions
from streams.ids import hash_field
from streams.partitioner import partition_of


@guarded
def recommend(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="The user's id.")],
    n: Annotated[int, typer.Option("-n", min=1, max=100, help="How many entries of each list.")] = 10,
    discover: Annotated[bool, typer.Option("--discover", help="Tracks this user never played.")] = False,
    genre: Genre = "",
    mood: Mood = "",
    again: Again = False,
    as_json: Json = False,
) -> None:
    """The user's list, as it was published last; where there is none yet what everybody plays. Fresh with --genre, --mood or --again."""
    wanted = within(genre, mood)
    if again and (any(wanted) or discover):
        said = "--again is a list of its own, without --genre, --mood and --discover"
        raise Trouble(Exit.USAGE, said, f"segue recommend {shlex.quote(user)} --again")
    state = State(settings_of(context))
    if again:
        recommend_again(state, user, SystemClock().now_ms(), n, as_json=as_json)
        return
    if any(wanted):
        recommend_within(state, user, wanted, n, discover=discover, as_json=as_json)
        return
    key = user_key(state, user)
    found = state.lists(key)
    if found is None:
        _recommend_popular(state, user, key, n, as_json)
        return
    if as_json:
        say_json({"key": key, **found, "next": found["next"][:n], "discover": found["discover"][:n]})
        return
    title = f"{'discover' if discover else 'next'} for {user}, made {moment(found['at'])}, after {found['cause']['event_id']}"
    screen().print(_entries(title, found["discover" if discover else "next"][:n]))


def _recommend_popular(state: State, user: str, key: str, n: int, as_json: bool) -> None:
    """The list of somebody who did nothing yet: the same for `next` and `discover`, for everything is new to them."""
    entries = [{"track_id": track, "score": share, "source": "popular", "because": []} for track, share in state.popular()[:n]]
    if not entries:
        raise Trouble(Exit.FAILURE, f"no list for {user!r} (no `list` in {key}), and nobody played anything yet", _a_play(user, "t1"))
    if as_json:
        say_json({"key": key, "recommendation_id": None, "user_id": user, "next": entries, "discover": entries})
        return
    screen().print(_entries(f"{user} has no list yet (it follows their first play): what everybody plays these weeks", entries))


@guarded
def user(
    context: typer.Context,
    user_id: Annotated[str, typer.Argument(help="The user's id.")],
    explain: Annotated[bool, typer.Option("--explain", help="Say what a segment means, and the rule that put the user there.")] = False,
    as_json: Json = False,
) -> None:
    """What Segue knows of a user: from plays, what its models make of them, and attributes that were told."""
    settings = settings_of(context)
    state = State(settings)
    key = user_key(state, user_id)
    about, attributes = state.document(key, "about"), row_of(state, place_of(settings, users=True), user_id)
    if about is None and attributes is None:
        raise Trouble(Exit.FAILURE, f"user {user_id!r} is unknown: there is no {key}", _a_play(user_id, "t1"))
    found = state.lists(key) or {"next": [], "discover": []}
    lists = {"next": _ids(found["next"]), "discover": _ids(found["discover"])}
    shown = {"key": key, **about, **_decided(state, key), **_listener(state, key, explain), **lists} if about is not None else {}
    _tell(shown, as_json, "attributes", attributes)


@guarded
def track(
    context: typer.Context,
    track_id: Annotated[str, typer.Argument(help="The track's id.")],
    as_json: Json = False,
) -> None:
    """What Segue learned of a track, and its row in the catalogue."""
    settings = settings_of(context)
    state = State(settings)
    key = track_key(state, track_id)
    about, row = state.document(key, "about"), row_of(state, place_of(settings, users=False), track_id)
    if about is None and row is None:
        raise Trouble(Exit.FAILURE, f"track {track_id!r} is unknown: there is no {key}", _a_play("ana", track_id))
    shown = {"key": key, **about} if about is not None else {}
    if (found := micro_genre_of(state, track_id)) is not None:
        shown["micro_genre"] = {"id": found.id, "name": found.name, "genre": found.genre}
    if (about_it := micro_genre_of(state, track_id, TEXT_MODEL)) is not None:
        shown["text_cluster"] = {"id": about_it.id, "name": about_it.name}
    _tell(shown, as_json, "catalogue", row)


@guarded
def where(
    context: typer.Context,
    some_id: Annotated[str, typer.Argument(metavar="ID", help="A user's or a track's id.")],
    as_json: Json = False,
) -> None:
    """The Redis keys of an id, as user and as track, learned and told, and whether they are there."""
    settings = settings_of(context)
    state = State(settings)
    user_p, track_p = partition_of_user(settings, some_id), partition_of_track(settings, some_id)
    keys: dict[str, dict[str, Any]] = {
        "user": {"key": state.keys.user(user_p, some_id), "partition": user_p, "cursor": state.keys.user_cursor(user_p)},
        "track": {"key": state.keys.track(track_p, some_id), "partition": track_p, "cursor": state.keys.track_cursor(track_p)},
    }
    for kind, users in (("catalogue", False), ("attributes", True)):
        rows = place_of(settings, users=users)
        partition = partition_of(some_id.encode(), rows.n_partitions)
        keys[kind] = {"key": rows.row_key(some_id), "partition": partition, "cursor": rows.cursors[partition]}
    for place in keys.values():
        place["exists"] = _exists(state, str(place["key"]))
    if as_json:
        say_json({"id": some_id, **keys})
        return
    for kind, place in keys.items():
        there = {True: "there", False: "not there", None: "Redis is away"}[place["exists"]]
        screen().print(f"{kind:10}  {place['key']}  ({there})", markup=False)


@guarded
def quality(
    context: typer.Context,
    from_day: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day to show and to sum.")] = "",
    as_json: Json = False,
) -> None:
    """How often the next play was in the list that was live before it, beside popularity's list."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(context)
    state = State(settings)
    days = {day: measures for day, measures in by_day(state, settings.events_partitions).items() if day >= from_day}
    if not days:
        raise Trouble(Exit.FAILURE, "nothing was tested yet: a list must be live before a play", "segue send --user ana --track t42")
    rows: list[dict[str, Any]] = [{"day": day, **measures.rates()} for day, measures in days.items()]
    total, last = since(days, "").rates(), recent(state, settings.events_partitions)
    if as_json:
        say_json({"days": rows, "total": total, "recent": last})
        return
    table = Table("day", "plays tested", "HR@20", "popularity", "MRR@20", "popularity", title="in-session plays (UTC days of played_at)")
    for row in [*rows, {"day": "all", **total}]:
        table.add_row(
            row["day"], f"{row['plays']:,}", *(_share(row[name]) for name in ("hr20", "popularity_hr20", "mrr20", "popularity_mrr20"))
        )
    screen().print(table)
    screen().print(
        f"recent {last['plays']:,} plays: HR@20 {_share(last['hr20'])}, popularity {_share(last['popularity_hr20'])}, "
        f"MRR@20 {_share(last['mrr20'])}"
    )


def _exists(state: State, key: str) -> bool | None:
    """None = cannot be known now; a key can be spelled without Redis."""
    try:
        return bool(state.fields(key, ["about", "row"]))
    except Trouble:
        return None


def _decided(state: State, key: str) -> dict[str, Any]:
    """Whether the user is paused, and what holds now of the tracks and artists that they decided about.

    `#` and a hash: a track that nobody ever played, or an artist, whose name a row does not hold.
    """
    found = decisions(state.fields(key, ["row"]).get("row", b""))
    if found is None:
        return {}
    standing = found.standing(SystemClock().now_ms() // 1_000)
    names = state.track_ids(list(dict.fromkeys(decision.track for decision in standing)))
    shown: dict[str, Any] = {"paused": found.paused, "liked": [], "disliked": [], "blocked": []}
    for decision in standing:
        name = names.get(decision.track, f"#{hash_field(decision.track)}")
        if decision.kind == "block":
            what = "artist" if decision.of_artist else "track_id"
            shown["blocked"].append({what: name, "until": None if decision.until_s is None else 1_000 * decision.until_s})
        else:
            shown["liked" if decision.kind == "like" else "disliked"].append(name)
    return shown | {"hidden_for_good": found.n_hidden} if found.n_hidden else shown


def _listener(state: State, key: str, explain: bool) -> dict[str, Any]:
    """Segments and expected plays, where models are served."""
    row, now_ms = state.fields(key, ["row"]).get("row", b""), SystemClock().now_ms()
    found = {"segments": segments(state, row, now_ms, explain=explain), "expected_plays": expected_plays(state, row, now_ms)}
    return {name: value for name, value in found.items() if value}


def _entries(title: str, entries: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("#", "track", "score", "source", "because of", "finish", title=title)
    for rank, entry in enumerate(entries, 1):
        finish = entry.get("finish")
        table.add_row(
            str(rank),
            entry["track_id"],
            f"{entry['score']:.4g}",
            entry["source"],
            ", ".join(entry.get("because", [])),
            "" if finish is None else f"{finish:.0%}",
        )
    return table


def _tell(shown: Mapping[str, Any], as_json: bool, row_name: str, row: Mapping[str, Any] | None) -> None:
    """Fields as JSON, or one per line; the row of the catalogue behind what was learned."""
    if as_json:
        say_json(shown if row is None else {**shown, row_name: row})
        return
    table = Table.grid(padding=(0, 2))
    for name, value in shown.items():
        table.add_row(name, in_words(name, value) or _for_people(name, value))
    for name, value in (row or {}).items():
        if value == []:
            continue
        table.add_row(f"{row_name} {name}", _for_people(name, value))
    screen().print(table, markup=False)


def _for_people(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, int):
        return moment(value)
    if name == "corrected" and isinstance(value, list):
        return "; ".join(f"{it['field']}: {it['before']!r} → {it['after']!r} ({it['rule']})" for it in value)
    if name == "refused" and isinstance(value, list):
        return "; ".join(f"{it['field']}: {it['value']!r} ({it['reason']})" for it in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("track_id") or f"artist {value['artist']}") + (
            "" if value["until"] is None else f" until {moment(value['until'])}"
        )
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def _ids(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [entry["track_id"] for entry in entries]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _a_play(user_id: str, track_id: str) -> str:
    return f"segue send --user {shlex.quote(user_id)} --track {shlex.quote(track_id)}"
