"""`segue why USER TRACK`: why a track stands in a user's lists, or does not, and which plays brought it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from console.addresses import settings_of
from console.output import Json, guarded, say_json, screen
from console.placing import partition_of_user, require_track, require_user, user_key
from console.redis_door import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.reasons import Cause, Lean, Reasons
    from streams.small_ranking import SmallRanking

SHOWN_N = 12
"""Features of stage 2 that people are shown; `--json` has all."""


@guarded
def why(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="The user's id.")],
    track: Annotated[str, typer.Argument(help="The track's id.")],
    as_json: Json = False,
) -> None:
    """Why a track is in this user's lists, or is not: the parts of its score, and the plays that brought it."""
    state = State(settings_of(context))
    stored = _stored(state, user)
    require_track(state, track, user)
    # The kernels' modules take a second to import: only this command pays for it.
    from console.ranking import answer

    told = answer(_told(state, user, track)) | {"stored": _places(stored, track)}
    if as_json:
        say_json(told)
    else:
        _show(told)


def _stored(state: State, user: str) -> Any:
    """The published pair; `Trouble` where the user is unknown."""
    require_user(state, user)
    return state.lists(user_key(state, user))


def _places(stored: Any, track: str) -> dict[str, Any] | None:
    """Where the track stands in the published lists."""
    if stored is None:
        return None
    found: dict[str, Any] = {"recommendation_id": stored["recommendation_id"], "at": stored["at"]}
    for name in ("next", "discover"):
        ids = [entry["track_id"] for entry in stored[name]]
        found[name] = _place(ids.index(track), stored[name]) if track in ids else None
    if found["discover"]:
        found["discover"]["explored"] = found["discover"]["place"] - 1 in (stored.get("explore") or {"places": []})["places"]
    return found


def _place(at: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"place": at + 1, "score": entries[at]["score"], "source": entries[at]["source"]}


async def _told(state: State, user: str, track: str) -> dict[str, Any]:
    """Everything of the fresh ranking, as plain values."""
    from console.ranking import ranking_of
    from streams.absences import LISTS, n_skips, standing
    from streams.reasons import reasons_for

    world = ranking_of(state)
    await world.open(user, partition_of_user(state.settings, user), state.fields(user_key(state, user), ["row"]).get("row"))
    found = await world.rank_without()
    key = world.names.hash(track)
    i = found.place(key)
    reasons = await reasons_for(world, found, i) if i >= 0 else None
    lists = {name: standing(world, found, key, name)._asdict() for name in LISTS}
    told: dict[str, Any] = {"user": user, "track": track, "now": lists, "skips": n_skips(world, key), "candidates": len(found.key)}
    return told | _reasons(world, reasons)


def _reasons(world: SmallRanking, reasons: Reasons | None) -> dict[str, Any]:
    if reasons is None:
        return {"chance": 0.0, "stage_1": [], "stage_2": [], "leans": None, "because": [], "also": [], "chance_without": 0.0}
    return {
        "chance": reasons.chance,
        "stage_1": [part._asdict() for part in reasons.parts],
        "stage_2": [feature._asdict() for feature in reasons.features],
        "leans": _leans(world, reasons.lean),
        "because": _causes(world, reasons.because),
        "also": _causes(world, reasons.also),
        "chance_without": reasons.chance_without,
    }


def _leans(world: SmallRanking, lean: Lean | None) -> dict[str, Any] | None:
    cluster = None if lean is None else world.micro_genre(lean.cluster)
    if lean is None or cluster is None:
        return None
    return {"micro_genre": cluster.name, "genre": cluster.genre, **lean._asdict()}


def _causes(world: SmallRanking, causes: Iterable[Cause]) -> list[dict[str, Any]]:
    return [{**cause._asdict(), "track": world.names.id(cause.track)} for cause in causes]


def _show(told: dict[str, Any]) -> None:
    out = screen()
    for name in ("next", "discover"):
        out.print(f"{name}: {_standing(told, name)}", markup=False)
    if not told["stage_1"]:
        return
    out.print(f"chance {told['chance']:.4g} among {told['candidates']} candidates", markup=False)
    if told["because"]:
        out.print(_causes_table("because of plays of", told["because"]))
        out.print(f"without all of them: {_chance(told['chance_without'])}", markup=False)
    else:
        out.print("no play of this user makes it likelier: it is here for what everybody plays, or in spite of these", markup=False)
    if told["also"]:
        out.print(_causes_table("brought it too, without making it likelier", told["also"]))
    if told["leans"] and told["leans"]["ahead"] > 0:
        out.print(f"because they lean to {_lean(told['leans'])}", markup=False)
    out.print(_stage_1(told["stage_1"]))
    if told["stage_2"]:
        out.print(_stage_2(told["stage_2"][:SHOWN_N], len(told["stage_2"])))
    else:
        out.print("stage 2 did not see it: only the best candidates of stage 1 are let through", markup=False)


def _standing(told: dict[str, Any], name: str) -> str:
    now, stored = told["now"][name], (told["stored"] or {}).get(name)
    drawn = ", drawn by chance to explore" if stored and stored.get("explored") else ""
    if stored and stored["source"] == "releases":
        drawn = ", a new release near what the session heard" + drawn
    there = f"place {stored['place']} of the published list (score {stored['score']:.4g}){drawn}" if stored else "not in the published list"
    fresh = f"place {now['place']}" if now["place"] else f"not there: {now['why_not']}"
    return f"{there}; ranked now: {fresh}"


def _causes_table(title: str, causes: list[dict[str, Any]]) -> Table:
    table = Table("track", "which is of", "plays", "last", "without it", title=title)
    for cause in causes:
        times = cause["plays_s"]
        last = datetime.fromtimestamp(times[0], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        table.add_row(cause["track"], cause["how"], str(len(times)), last, _chance(cause["chance_without"]))
    return table


def _lean(said: dict[str, Any]) -> str:
    """
    >>> _lean({"genre": "rock", "micro_genre": "rock, loud", "genre_share": 0.62, "micro_share": 0.8, "ahead": 0.123})
    'rock (62 % of what they heard of late) and rock, loud (80 % of this session): ahead by +0.123'
    >>> _lean({"genre": "", "micro_genre": "loud", "genre_share": 0.0, "micro_share": 0.8, "ahead": 0.123})
    'loud (80 % of this session): ahead by +0.123'
    """
    heard = [
        (said["genre"], said["genre_share"], "of what they heard of late"),
        (said["micro_genre"], said["micro_share"], "of this session"),
    ]
    words = [f"{name} ({100 * share:.0f} % {what})" for name, share, what in heard if name and share]
    return f"{' and '.join(words)}: ahead by {said['ahead']:+.3g}"


def _chance(value: float) -> str:
    return f"chance {value:.4g}" if value > 0 else "nothing would propose it"


def _stage_1(parts: list[dict[str, Any]]) -> Table:
    score = sum(part["gives"] for part in parts)
    table = Table("source", "signal", "value", "trust", "gives", "share", title=f"stage 1: score {score:.4g}, the sum of")
    for part in parts:
        figures = (f"{part[name]:.4g}" for name in ("value", "trust", "gives"))
        table.add_row(part["source"], part["signal"], *figures, f"{part['gives'] / score:.0%}")
    return table


def _stage_2(features: list[dict[str, Any]], n: int) -> Table:
    table = Table(
        "feature",
        "value",
        "weight here",
        "gives",
        "ahead",
        title=f"stage 2: ahead of the average candidate by, {len(features)} of {n}",
    )
    for feature in features:
        table.add_row(feature["feature"], *(f"{feature[name]:+.3g}" for name in ("value", "weight", "gives", "ahead")))
    return table
