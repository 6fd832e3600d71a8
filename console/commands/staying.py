"""`segue recommend --genre`, `--mood`, and `segue chart`: lists and charts that stay within a genre or a mood."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from console.addresses import settings_of
from console.labels import Labels, Within, nothing_within, within
from console.output import Json, guarded, say, say_json, screen
from console.placing import partition_of_user, user_key
from console.redis_door import State
from console.trouble import Exit, Trouble, a_play
from online_models.moods import NAMES

Genre = Annotated[str, typer.Option("--genre", metavar="GENRE", help="Only tracks of it: the catalogue's word, or else the model's.")]
Mood = Annotated[str, typer.Option("--mood", metavar="MOOD", help=f"Only tracks of it: {', '.join(NAMES)}.")]
LISTS = ("next", "discover")


@guarded
def chart(
    context: typer.Context,
    genre: Genre = "",
    mood: Mood = "",
    n: Annotated[int, typer.Option("-n", min=1, max=100, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """What is most popular these weeks: everywhere, or within a genre or a mood."""
    # The kernels' modules take a second to import: only this command pays for it.
    from console.charts import Chart
    from console.ranking import answer

    wanted = within(genre, mood)
    state = State(settings_of(context))
    labels = _labels(state, wanted)

    async def read() -> list[dict[str, Any]]:
        places = list(islice(Chart(state, labels, wanted), n))
        return [{"track_id": p.track, "popularity": 2.0 ** (p.log2 - places[0].log2), **p.label._asdict()} for p in places]

    entries = answer(read())
    if not entries:
        raise _nothing_charted(labels, wanted)
    if as_json:
        say_json({**_asked(wanted), "chart": entries})
        return
    table = Table("#", "track", "popularity", *_LABELS, title=f"most popular: {wanted if any(wanted) else 'all'}")
    for place, entry in enumerate(entries, 1):
        table.add_row(str(place), entry["track_id"], f"{entry['popularity']:.3f}", *_cells(entry))
    screen().print(table)


def recommend_within(state: State, user: str, wanted: Within, n: int, *, discover: bool, as_json: bool) -> None:
    """Both lists of the user from a ranking that is made now, within what is wanted."""
    from console.ranking import answer

    labels = _labels(state, wanted)
    lists = answer(_ranked(state, user, wanted, labels, n))
    name = LISTS[discover]
    if not any(lists.values()) or (not as_json and not lists[name]):
        why = f"nothing of {wanted} is left for {user!r}: nobody played a track of it, or the user hides or (for discover) played all"
        raise nothing_within(labels, wanted, why, _chart_command(wanted))
    if as_json:
        say_json({"user_id": user, **_asked(wanted), **lists})
        return
    screen().print(_table(f"{name} for {user}, within {wanted}, ranked now", lists[name]))
    filled = sum(entry["filled"] for entry in lists[name])
    if filled:
        say(f"{filled} of {len(lists[name])} are of the chart of {wanted} (source popular, no score): the ranker proposed no more of it")
    if len(lists[name]) < n:
        say(f"{len(lists[name])} of {n}: nothing else of it was played")


async def _ranked(state: State, user: str, wanted: Within, labels: Labels, n: int) -> dict[str, list[dict[str, Any]]]:
    # As above.
    from console.charts import Chart
    from console.lists_within import ListsWithin
    from console.ranking import ranking_of

    world = ranking_of(state)
    await world.open(user, partition_of_user(state.settings, user), state.fields(user_key(state, user), ["row"]).get("row"))
    made = ListsWithin(world, await world.rank_without(), labels, wanted, Chart(state, labels, wanted))
    return {name: made.entries(name, n) for name in LISTS}


def _labels(state: State, wanted: Within) -> Labels:
    """Raises `Trouble` where a catalogue is needed and there is none."""
    labels = Labels(state)
    if any(wanted):
        labels.rows.require()
    return labels


def _nothing_charted(labels: Labels, wanted: Within) -> Trouble:
    if not any(wanted):
        return Trouble(Exit.FAILURE, "nobody played anything yet", a_play("ana", "t1"))
    return nothing_within(labels, wanted, f"nobody played a track of {wanted} yet", "segue chart")


def _asked(wanted: Within) -> dict[str, str | None]:
    return {name: value or None for name, value in wanted._asdict().items()}


def _chart_command(wanted: Within) -> str:
    return "segue chart" + "".join(f" --{name} {shlex.quote(value)}" for name, value in wanted._asdict().items() if value)


_LABELS = ("title", "artist", "genre", "moods")


def _cells(entry: Mapping[str, Any]) -> list[str]:
    genre = entry["genre"] or ""
    if entry["genre_by"] == "model":
        genre += f" ({entry['genre_p']:.0%}, the model says)"
    return [entry["title"] or "", entry["artist"] or "", genre, ", ".join(entry["moods"])]


def _table(title: str, entries: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("#", "track", "score", "source", "because of", *_LABELS, title=title)
    for place, entry in enumerate(entries, 1):
        score = "chart" if entry["filled"] else f"{entry['score']:.4g}"
        table.add_row(str(place), entry["track_id"], score, entry["source"], ", ".join(entry["because"]), *_cells(entry))
    return table
