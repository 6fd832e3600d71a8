"""What stands of the catalogue and of users' attributes in Redis: rows, counts by rule, and how far the workers are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from console.cursors import places
from console.redis_door import State
from infra.keys import Keys, Side
from infra.settings import Settings
from streams.partitioner import partition_of

OUTCOMES: Final = ("applied", "withdrawn", "rejected")
EXAMPLES_MAX: Final = 3


class Place(NamedTuple):
    """Where one of the two lies."""

    what: str
    side: Side
    topic: str
    n_partitions: int
    keys: Keys

    @property
    def cursors(self) -> list[str]:
        """Key of each partition's cursor."""
        return [self.keys.clean_cursor(self.side, p) for p in range(self.n_partitions)]

    def row_key(self, some_id: str) -> str:
        """Key of a row."""
        return self.keys.clean_row(self.side, partition_of(some_id.encode(), self.n_partitions), some_id)


def place_of(settings: Settings, *, users: bool) -> Place:
    """The catalogue's place, or that of users' attributes."""
    keys = Keys(settings.namespace)
    if users:
        return Place("users", "a", f"{settings.namespace}.users", settings.events_partitions, keys)
    return Place("tracks", "c", f"{settings.namespace}.tracks", settings.catalogue_partitions, keys)


def outcomes(state: State, place: Place) -> dict[str, int]:
    """What became of all records so far."""
    cursors = state.hashes(place.cursors)
    return {name: sum(int(cursor.get(name, b"0")) for cursor in cursors) for name in OUTCOMES}


def left(state: State, place: Place, ends: Sequence[int]) -> int:
    """Records up to `ends` that nobody took yet."""
    return sum(each.left for each in places(state, place.cursors, ends))


def row_of(state: State, place: Place, some_id: str) -> dict[str, Any] | None:
    """A row with what the cleaning says of it; None = there is none."""
    found = state.fields(place.row_key(some_id), ("row", "estimates", "cleaning"))
    if "row" not in found:
        return None
    row, estimates, cleaning = (msgspec.json.decode(found.get(name, b"{}")) for name in ("row", "estimates", "cleaning"))
    return {"key": place.row_key(some_id), **row, **({"estimates": estimates} if estimates else {}), **cleaning}


def counts_by_rule(state: State, place: Place) -> dict[str, Any]:
    """The counts of all partitions together, in the shape of `segue quality catalogue FILE`."""
    partitions = [
        {name: msgspec.json.decode(value) for name, value in counted.items()}
        for counted in state.hashes([place.keys.clean_counts(place.side, p) for p in range(place.n_partitions)])
    ]
    examples: defaultdict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for counted in partitions:
        for field, kind, found in counted.get("examples", []):
            examples[field, kind] += found
    return {
        "rows": sum(counted.get("rows", 0) for counted in partitions),
        "corrected": _told(partitions, "corrected", "rule", examples),
        "refused": _told(partitions, "refused", "reason", examples),
        "missing": _summed(partitions, "missing"),
        "estimated": _summed(partitions, "estimated"),
    }


def _told(
    partitions: Sequence[dict[str, Any]], what: str, kind_name: str, examples: dict[tuple[str, str], list[list[str]]]
) -> list[dict[str, Any]]:
    """One entry per field and rule (or reason), with some examples of all partitions."""
    sums: Counter[tuple[str, str]] = Counter()
    for counted in partitions:
        sums.update({(field, kind): n for field, kind, n in counted.get(what, [])})
    return [
        {"field": field, kind_name: kind, "values": n, "examples": examples[field, kind][:EXAMPLES_MAX]}
        for (field, kind), n in sorted(sums.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0][1]))
    ]


def _summed(partitions: Sequence[dict[str, Any]], what: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counted in partitions:
        total.update(counted.get(what, {}))
    return dict(sorted(total.items()))
