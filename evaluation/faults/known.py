"""What a careful reader who goes through the rows once would know at a row: names met so far, and what the track's rows said.

Written from what evidence there is, not from what the cleaner uses of it: this decides what may be called correctable.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from evaluation.faults.fault import Clean

WELL_KNOWN: Final = 10
"""Rows in which a name was met before a reader is sure of it."""
SHORT: Final = 6
"""Letters up to which names are close to each other by nature (`Train`, `Trains`): a reader wants to see the same album or song."""
BESIDE: Final = {"artist": ("album", "title"), "genre": ("subgenre",), "subgenre": (), "country": ()}
"""Field -> fields that tell who is meant."""


def letters(text: object) -> str:
    """A name's letters and digits alone, small and without accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", str(text).casefold()) if char.isalnum())


def one_off(key: str) -> Iterable[str]:
    """A name with each one of its letters left out, and whole: names that are one slip apart share one of these."""
    return {key, *(key[:k] + key[k + 1 :] for k in range(len(key)))}


class Known:
    """Evidence at a row, of the rows before it."""

    def __init__(self, rows: Iterable[Clean]) -> None:
        self._near: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._writings: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._met: Counter[tuple[str, str]] = Counter()
        self._beside: set[tuple[str, str, str, str]] = set()
        self._said: defaultdict[str, dict[str, set[object]]] = defaultdict(dict)
        for row in rows:
            for field in BESIDE:
                if field in row:
                    key = letters(row[field])
                    self._writings[field, key].add(str(row[field]))
                    for near in one_off(key) if len(self._writings[field, key]) == 1 else ():
                        self._near[field, near].add(key)

    def learn(self, identity: str, row: Clean, damaged: set[str]) -> None:
        """Take a row as it stood: `damaged` fields of it say nothing."""
        for field, value in row.items():
            if field not in damaged:
                self._said[identity].setdefault(field, set()).add(value)
        for field, others in BESIDE.items():
            if field in row and field not in damaged:
                self._met[field, str(row[field])] += 1
                self._beside.update(
                    (field, str(row[field]), other, letters(row[other])) for other in others if other in row and other not in damaged
                )

    def usual(self, field: str, row: Clean) -> bool:
        """Whether a name was met often, and nobody of the catalogue writes the same letters otherwise."""
        name = str(row[field])
        return self._met[field, name] >= WELL_KNOWN and len(self._writings[field, letters(name)]) == 1

    def close(self, field: str, row: Clean, written: str, damaged: set[str]) -> bool:
        """Whether a slip can only be this name: met often, alone so close to what is written, and long or beside what it stood beside."""
        if field not in BESIDE or not self.usual(field, row):
            return False
        name, key, slip = str(row[field]), letters(row[field]), letters(written)
        if set().union(*(self._near[field, near] for near in one_off(slip))) != {key}:
            return False
        beside = [other for other in BESIDE[field] if other in row and other not in damaged]
        return len(slip) > SHORT or any((field, name, other, letters(row[other])) in self._beside for other in beside)

    def said(self, identity: str, row: Clean, field: str) -> bool:
        """Whether rows of the same track said this, and nothing else."""
        return self._said[identity].get(field, set()) == {row[field]}
