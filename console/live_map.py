"""The map as it stands in Redis: where tracks lie, and where that puts the people who play them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec
import numpy as np

from console.catalogue_rows import READ_AT_ONCE, CatalogueRows, Row
from console.micro_genre_state import MODEL as MICRO_GENRES
from console.micro_genre_state import cluster_said
from console.micro_genre_state import served as served_clusters
from console.progress import Steps
from console.redis_door import State
from online_models import history
from online_models.maps.served import Lies, Served
from streams.user_rows import UserRows

MODEL: Final = "map"
NEWEST: Final = 20
"""Tracks by which a user is placed, each once."""
FADES: Final = 0.9
"""Weight of a track against the one that was played after it: the newest six are half of all."""
UNKNOWN: Final = "unknown"


class Spot(NamedTuple):
    """A dot of the map."""

    name: str
    """What the pointer shows."""
    lies: tuple[float, ...]
    """Two or three coordinates."""
    genre: str
    """`UNKNOWN` = nobody said it."""
    cluster: str
    """Its micro-genre's name."""
    listener: str = ""
    """Of a user: what was asked of their row."""


def served(state: State) -> Served | None:
    """The map as it is served; None = no worker saved any."""
    raw = state.text(state.keys.serving(MODEL))
    return None if raw is None else msgspec.json.decode(raw, type=Served)


def tracks(state: State, dims: int) -> list[Spot]:
    """Every track of the catalogue that lies on the map, by id. Progress on stderr. Raises `Trouble` where Redis is away."""
    found = dict[str, Spot]()
    clusters = _Clusters(state)
    for rows in CatalogueRows(state).every():
        found.update(_spots(state, rows, clusters, dims))
    return [found[track] for track in sorted(found)]


def users(state: State, dims: int, listener: Callable[[bytes], str] | None = None) -> list[Spot]:
    """Everybody who played tracks that lie on the map, at the mean of their newest ones; genre and micro-genre are those of most of these.

    `listener` tells more of a user by their row. Progress on stderr.
    Raises `Trouble` where Redis is away, and `BadRow` for another release's rows.
    """
    rows, clusters, found = CatalogueRows(state), _Clusters(state), dict[str, Spot]()
    keys = state.user_keys()
    with Steps("users", None) as steps:
        while some := list(islice(keys, READ_AT_ONCE)):
            read = [row[0] for row in state.many([(key, ["row"]) for key in some])]
            raws = {unquote(key.rpartition(":")[2]): raw for key, raw in zip(some, read, strict=True) if raw is not None}
            newest = {user: _newest(raw) for user, raw in raws.items()}
            names = state.track_ids(sorted({track for mine in newest.values() for track in mine}))
            spots = _spots(state, rows.read(sorted(names.values())), clusters, dims)
            for user, mine in newest.items():
                there = [spots[name] for track in mine if (name := names.get(track)) in spots]
                if there:
                    found[user] = placed(user, there)._replace(listener=listener(raws[user]) if listener else "")
            steps.show(len(found))
    return [found[user] for user in sorted(found)]


def placed(user: str, newest: Sequence[Spot]) -> Spot:
    """Where a user is whose tracks, the newest first, lie at `newest` (at least one).

    >>> placed("ana", [Spot("", (0.0, 0.0), "rock", "a"), Spot("", (1.9, 0.0), "pop", "b")]).lies
    (0.9, 0.0)
    """
    weights = FADES ** np.arange(len(newest))
    lies = weights @ np.array([spot.lies for spot in newest]) / weights.sum()
    genre, cluster = (_most([spot[field] for spot in newest], weights.tolist()) for field in (2, 3))
    return Spot(user, tuple(round(value, 6) for value in lies.tolist()), genre, cluster)


def _most(names: Sequence[Any], weights: Sequence[float]) -> str:
    """The name of most weight; what is unknown only where nothing else is there; equals by name."""
    total: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        total[name] = total.get(name, 0.0) + weight
    return min(total, key=lambda name: (name == UNKNOWN, -total[name], name))


def _newest(raw: bytes) -> list[int]:
    """Hashes of a user's newest tracks, the newest first, each once."""
    one = UserRows(1)
    one.load("", 0, raw)
    slot = next(iter(one.slot_of.values()))
    n = int(one.arrays.head[slot, history.N_HISTORY])
    return list(dict.fromkeys(one.arrays.track[slot, :n][::-1].tolist()))[:NEWEST]


class _Clusters:
    """Names of micro-genres by what was said of a track."""

    def __init__(self, state: State) -> None:
        self._served = served_clusters(state)

    def name(self, said: bytes | None) -> str:
        cluster = cluster_said(said, self._served)
        return UNKNOWN if cluster is None else cluster.name


def _spots(state: State, rows: Mapping[str, Row], clusters: _Clusters, dims: int) -> dict[str, Spot]:
    names = list(rows)
    lying = state.texts([state.keys.answer(MODEL, name) for name in names])
    said = state.texts([state.keys.answer(MICRO_GENRES, name) for name in names])
    return dict(_each(names, rows, lying, [clusters.name(it) for it in said], dims))


def _each(
    names: Sequence[str], rows: Mapping[str, Row], lying: Sequence[bytes | None], clusters: Sequence[str], dims: int
) -> Iterator[tuple[str, Spot]]:
    for name, raw, cluster in zip(names, lying, clusters, strict=True):
        if raw is not None:
            lies, row = msgspec.json.decode(raw, type=Lies), rows[name]
            shown = " - ".join(part for part in (row.artist, row.title) if part) or name
            yield name, Spot(shown, lies.two if dims == 2 else lies.three, row.genre or UNKNOWN, cluster)
