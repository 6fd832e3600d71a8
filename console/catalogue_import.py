"""A catalogue file as records of `tracks` or `users`: one per id, in the shape of the contract, with values as the file has them.

Rows of one id are put together before they are sent, the later one winning where it says something: on a compacted topic the
newest record alone is sure to be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from console.catalogue_file import TRACK_COLUMNS, USER_COLUMNS, Row, fields_of
from console.catalogue_state import left, outcomes, place_of
from console.cursors import wait_for
from console.kafka_door import Sender, end_offsets
from console.progress import Steps
from console.redis_door import State
from infra.settings import Settings
from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
from online_models.cleaning.missing import is_missing
from streams.catalogue_intake import FEATURES
from streams.contract import ID_CHARS_MAX

HELP: Final = "segue import catalogue --help"


class Found(NamedTuple):
    """What a first pass over the file says."""

    mapping: dict[str, str]
    rows: int
    without_id: int
    of_id: Counter[str]
    """Rows of each id."""


class CatalogueImport:
    """One import of one file.

    Parameters
    ----------
    maps : FIELD=COLUMN, as told
    """

    def __init__(self, settings: Settings, path: Path, maps: Sequence[str], *, users: bool) -> None:
        self.settings, self.path = settings, path
        fields, self._names = (USER_FIELDS, USER_COLUMNS) if users else (TRACK_FIELDS, TRACK_COLUMNS)
        self._maps, self._fields = maps, [field.name for field in fields]
        self._identity, self._features = self._fields[0], frozenset[str]() if users else FEATURES
        self.place = place_of(settings, users=users)
        self.found = self._look()
        self.ends: list[int] = []

    def _rows(self) -> tuple[dict[str, str], Iterator[Row]]:
        advice = f"segue import catalogue {self.path} --map {self._identity}=COLUMN"
        return fields_of(self.path, self._fields, self._names, self._maps, advice=advice)

    def _look(self) -> Found:
        mapping, rows = self._rows()
        column, of_id, without = mapping[self._identity], Counter[str](), 0
        with Steps("rows read", None) as steps:
            for n, row in enumerate(rows, 1):
                some_id = identity(row.get(column))
                if some_id is None:
                    without += 1
                else:
                    of_id[some_id] += 1
                steps.show(n)
        return Found(mapping, of_id.total() + without, without, of_id)

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Id and value of each record, where the last row of the id stands."""
        mapping, rows = self._rows()
        left_of, held = Counter({some_id: n for some_id, n in self.found.of_id.items() if n > 1}), dict[str, Row]()
        for row in rows:
            some_id = identity(row.get(mapping[self._identity]))
            if some_id is None:
                continue
            said = {field: row.get(column) for field, column in mapping.items() if not is_missing(row.get(column))}
            if some_id in left_of:
                said = held[some_id] = {**held.get(some_id, {}), **said}
                left_of[some_id] -= 1
                if left_of[some_id]:
                    continue
                del held[some_id], left_of[some_id]
            yield some_id, self._value(some_id, said)

    def _value(self, some_id: str, said: Row) -> dict[str, Any]:
        features = {name: value for name, value in said.items() if name in self._features}
        plain = {name: value for name, value in said.items() if name not in self._features}
        return {**plain, self._identity: some_id, **({"features": features} if features else {})}

    def send(self) -> int:
        """Sends every record, and waits until the broker has them all; returns how many."""
        before = outcomes(State(self.settings), self.place)
        sender, n = Sender(self.settings, linger_ms=20), 0
        try:
            with Steps(f"{self.place.what} sent", len(self.found.of_id)) as steps:
                for some_id, value in self.records():
                    sender.send(self.place.topic, some_id.encode(), msgspec.json.encode(value))
                    n += 1
                    steps.show(n)
                sender.flush()
        finally:
            sender.drop()
        self.ends = end_offsets(self.settings, self.place.topic)
        self._before = before
        return n

    def wait(self) -> dict[str, int]:
        """Until the workers have taken everything that was sent; what became of it."""
        state = State(self.settings)
        begun = left(state, self.place, self.ends)
        with Steps("records cleaned", begun) as steps:
            show: Callable[[int], None] = lambda n: steps.show(begun - n)  # noqa: E731
            wait_for(state, self.place.cursors, self.ends, show, what="records", next_command="segue worker catalogue")
        return difference(outcomes(state, self.place), self._before)


def difference(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """What was counted since."""
    return {name: n - before[name] for name, n in now.items()}


def identity(value: object) -> str | None:
    """An id as text; None = the row has none that the contract takes.

    >>> identity("007"), identity(7), identity(7.0), identity(" "), identity("nan"), identity(None)
    ('007', '7', '7', None, None, None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # how a table keeps whole numbers once one is missing
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or is_missing(text, is_text=True) or len(text) > ID_CHARS_MAX or "\0" in text:
        return None
    return text
