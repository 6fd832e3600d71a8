"""Columns that say nothing: empty, the same in every row, or the same as another column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from online_models.cleaning.missing import is_missing

ROWS_MIN: Final = 20
"""Rows before anything is said: of one row every column is constant."""


class Unneeded(NamedTuple):
    """What can be left out."""

    empty: list[str]
    constant: list[str]
    copies: dict[str, str]
    """Column -> the one before it that says the same."""


class Columns:
    """Looks at raw rows one by one; remembers a value per column, and which columns were equal so far.

    Equal columns are a class that is split wherever a row tells two apart, so a row costs one look at each column.

    >>> columns = Columns(["id", "label", "key", "pitch", "note"])
    >>> for n in range(ROWS_MIN):
    ...     columns.learn_one({"id": n, "label": "x", "key": n % 3, "pitch": n % 3, "note": ""})
    >>> columns.unneeded()
    Unneeded(empty=['note'], constant=['label'], copies={'pitch': 'key'})
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._n = 0
        self._value: dict[str, str] = {}
        self._varies: set[str] = set()
        self._equal: list[list[str]] = [list(self._names)]

    def learn_one(self, row: Mapping[str, Any]) -> None:
        """Look at a row."""
        self._n += 1
        texts = {name: _text(row.get(name)) for name in self._names}
        for name, text in texts.items():
            if name not in self._varies and text and self._value.setdefault(name, text) != text:
                self._varies.add(name)
        self._equal = [part for parts in self._equal for part in _split(parts, texts)]

    def unneeded(self) -> Unneeded:
        """What the rows so far show; nothing while they are few."""
        if self._n < ROWS_MIN:
            return Unneeded([], [], {})
        empty = [name for name in self._names if name not in self._value]
        constant = [name for name in self._names if name in self._value and name not in self._varies]
        copies = {name: part[0] for part in self._equal for name in part[1:] if name in self._varies}
        return Unneeded(empty, constant, copies)


def _text(value: Any) -> str:
    return "" if is_missing(value) else str(value).strip()


def _split(equal: list[str], texts: Mapping[str, str]) -> list[list[str]]:
    """A class of columns by what this row says in them; those that are alone are not looked at again."""
    by_text: dict[str, list[str]] = {}
    for name in equal:
        by_text.setdefault(texts[name], []).append(name)
    return [part for part in by_text.values() if len(part) > 1]
