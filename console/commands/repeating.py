"""`segue recommend --again`: what a user will play again, ranked by the plays that the model `counts` expects."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer
from rich.table import Table

from console.listening import foreseen, named
from console.output import say_json, screen
from console.placing import partition_of_user, require_user, user_key
from console.redis_door import State
from console.trouble import Exit, Trouble, a_play

Again = Annotated[bool, typer.Option("--again", help="On repeat: what they played lately and will play most in the next 7 days.")]


def recommend_again(state: State, user: str, now_ms: int, n: int, *, as_json: bool) -> None:
    """The user's newest tracks as of `now_ms`, those to be played most in the next 7 days first, without what they hide."""
    # The kernels' modules take a second to import: only this list pays for it.
    from console.ranking import answer

    require_user(state, user)
    entries = answer(_on_repeat(state, user, now_ms))[:n]
    if as_json:
        say_json({"user_id": user, "again": entries})
        return
    table = Table("#", "track", "plays in 7 days", "in 30", title=f"on repeat for {user}: expected plays")
    for place, entry in enumerate(entries, 1):
        table.add_row(str(place), entry["track_id"], f"{entry['in_7_days']:.2g}", f"{entry['in_30_days']:.2g}")
    screen().print(table)


async def _on_repeat(state: State, user: str, now_ms: int) -> list[dict[str, Any]]:
    """All entries. What is hidden is asked of a ranking's rows, for a track's row says who made it. Raises `Trouble` for none."""
    from console.ranking import ranking_of
    from streams.absences import is_hidden

    row, world = state.fields(user_key(state, user), ["row"]).get("row", b""), ranking_of(state)
    await world.open(user, partition_of_user(state.settings, user), row)
    found = foreseen(state, row, now_ms)
    if found is None:
        key = state.keys.serving("counts")
        raise Trouble(Exit.FAILURE, f"there is no {key}: no models worker learned play counts yet", "segue up")
    if not found:
        raise Trouble(Exit.FAILURE, f"{user!r} has no play that is not forgotten", a_play(user, "t1"))
    entries = named(state, [one for one in found if not is_hidden(world, one.track)])
    if not entries:
        raise Trouble(Exit.FAILURE, f"{user!r} disliked or blocked all that they played lately", f"segue user {shlex.quote(user)}")
    return entries
