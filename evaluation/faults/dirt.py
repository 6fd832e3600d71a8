"""A share of rows is hit by faults: one or two each, in different parts of the row, every kind alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

from evaluation.faults import in_dates, in_names, in_numbers, in_text
from evaluation.faults.fault import Clean, Damage, Fault, Kind, Row, number
from evaluation.faults.known import Known
from online_models.cleaning.fields import Field
from online_models.cleaning.verdicts import Value

TRACK_KINDS: Final = (*in_numbers.KINDS, *in_dates.KINDS, *in_text.KINDS, *in_names.KINDS)
TWICE_SHARE: Final = 0.25
"""Of rows that are hit, those with a second fault."""
REPEATED_SHARE: Final = 0.04
"""Of rows that are hit: those that come again as they are, and as many that come under another id."""
TRIES_MAX: Final = 40
DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
NAMES: Final = frozenset({"title", "artist", "album", "genre", "subgenre", "country", "language", "gender"})
"""A row has at most one fault among its names and one among the rest, so that what tells who is meant stays readable."""


class Dirty(NamedTuple):
    """Rows with faults, in their order."""

    rows: list[Row]
    clean: list[Clean]
    """What is true of each."""
    faults: list[Fault]
    hit: set[int]
    """Rows that are not as they were."""
    damaged: set[tuple[int, str]]
    """Row and field of each fault."""


What = Literal["", "fault", "again", "other id"]


class _Place(NamedTuple):
    """A row in the order of the stream, and what happens to it there."""

    at: float
    clean: int
    what: What


def dirty(rows: Sequence[Row], clean: Sequence[Clean], kinds: Sequence[Kind], chance: Random, *, rate: float, repeats: bool) -> Dirty:
    """Hit `rate` of `rows`; the first field of `clean` rows is their identity, and they come in the order in which they stand.

    Parameters
    ----------
    rows: as their source wrote them, clean.
    repeats: some rows come again, as they are or under another id.
    """
    return _Soiling(clean, kinds, chance).run(rows, clean, rate, repeats)


class _Soiling:
    def __init__(self, clean: Sequence[Clean], kinds: Sequence[Kind], chance: Random) -> None:
        # One source writes its dates one way.
        self._kinds, self._chance = (*kinds, in_dates.of_one_order(chance)), chance
        self._weights = [kind.weight for kind in self._kinds]
        self._identity = next(iter(clean[0]))
        self._known = Known(clean)
        self._faults: list[Fault] = []

    def run(self, rows: Sequence[Row], clean: Sequence[Clean], rate: float, repeats: bool) -> Dirty:
        out, truth, hit = list[Row](), list[Clean](), set[int]()
        for place in self._places(len(rows), rate, repeats):
            row, true, k = dict(rows[place.clean]), dict(clean[place.clean]), len(out)
            before = len(self._faults)
            if place.what == "fault":
                self._damage(k, row, true)
            elif place.what:
                self._again(k, place.what, row, true)
            damaged = {fault.field for fault in self._faults[before:]}
            self._known.learn(str(true[self._identity]), true, damaged)
            out.append(row)
            truth.append(true)
            hit.update((k,) if damaged else ())
        return Dirty(out, truth, self._faults, hit, {(fault.row, fault.field) for fault in self._faults})

    def _places(self, n: int, rate: float, repeats: bool) -> list[_Place]:
        """Which rows are hit, and where which come again: some later place, and only after a row that was not hit."""
        chance = self._chance
        drawn = [k for k in range(n) if chance.random() < rate]
        again: dict[int, What] = {
            k: "again" if chance.random() < 0.5 else "other id" for k in drawn if repeats and chance.random() < 2 * REPEATED_SHARE
        }
        hit = set(drawn).difference(again)
        later = [_Place(chance.uniform(k + 0.001, n), k, what) for k, what in again.items()]
        return sorted([*(_Place(float(k), k, "fault" if k in hit else "") for k in range(n)), *later])

    def _again(self, k: int, what: What, row: Row, true: Clean) -> None:
        """The row again as it was, or the recording under an id of its own."""
        identity = str(true[self._identity])
        if what == "again":
            self._faults.append(Fault(k, self._identity, "row twice", identity, identity, True, 0.0, "merged"))
            return
        correctable = all(name in true for name in ("artist", "title", "duration_ms"))
        row[self._identity] = true[self._identity] = f"{identity}-{k}"
        if correctable:
            true["duration_ms"] = row["duration_ms"] = int(number(true["duration_ms"])) + self._chance.randrange(-900, 900)
        self._faults.append(Fault(k, self._identity, "recording under another id", f"{identity}-{k}", identity, correctable, 0.0, "link"))

    def _damage(self, k: int, row: Row, true: Clean) -> None:
        names = self._chance.random() < 0.5
        parts = (names, not names) if self._chance.random() < TWICE_SHARE else (names,)
        damaged: set[str] = set()
        for part in parts:
            self._fault(k, row, true, part, damaged)

    def _fault(self, k: int, row: Row, true: Clean, names: bool, damaged: set[str]) -> None:
        """One fault of a kind drawn among all, in a field that it can happen to; a row of few fields may escape."""
        for _ in range(TRIES_MAX):
            kind = self._chance.choices(self._kinds, self._weights)[0]
            fields = [field for field in true if self._may_hit(kind, field, true) and (field in NAMES) == names]
            if not fields:
                continue
            field = self._chance.choice(fields)
            damage = kind.make((str(true[field]), str(true[kind.beside])) if kind.beside else true[field], field, self._chance)
            if damage is not None and not _same(damage.value, row[field]):
                self._note(k, kind, field, damage, row, true, damaged)
                return

    def _may_hit(self, kind: Kind, field: str, true: Clean) -> bool:
        return field != self._identity and (field in kind.fields or "*" in kind.fields) and (not kind.beside or kind.beside in true)

    def _note(self, k: int, kind: Kind, field: str, damage: Damage, row: Row, true: Clean, damaged: set[str]) -> None:
        row[field] = damage.value
        damaged.add(field)
        correctable = not damage.lost and self._proven(kind, field, str(damage.value), true, damaged)
        wanted = true[field] if damage.clean is None else damage.clean
        self._faults.append(Fault(k, field, kind.name, damage.value, wanted, correctable, damage.within, kind.look))

    def _proven(self, kind: Kind, field: str, written: str, true: Clean, damaged: set[str]) -> bool:
        if kind.proof == "usual":
            return self._known.usual(field, true)
        if kind.proof == "close":
            return self._known.close(field, true, written, damaged)
        return kind.proof == "itself" or (kind.look == "merged" and self._known.said(str(true[self._identity]), true, field))


def _same(dirty: object, clean: object) -> bool:
    """Whether nothing changed after all; 1, 1.0 and "1" are three writings."""
    return type(dirty) is type(clean) and dirty == clean


def strictly(rows: Iterable[Row], fields: Mapping[str, Field]) -> list[Clean]:
    """What clean rows say, in the order of `fields`, read without any leniency: a value that is not in its plain form is left out.

    >>> from online_models.cleaning.fields import TRACK
    >>> strictly([{"track_id": "t", "tempo": "120.5", "key": "6", "released": "June"}], TRACK)
    [{'track_id': 't', 'tempo': 120.5, 'key': 6}]
    """
    return [{name: value for name in fields if (value := _plain(row.get(name), fields[name])) is not None} for row in rows]


def _plain(raw: object, field: Field) -> Value | None:
    text = "" if raw is None else str(raw)
    if text in ("", "NA", "nan"):
        return None
    if field.kind == "date":
        return text if DATE.fullmatch(text) else None
    if field.kind != "number":
        return text
    try:
        return int(text) if field.whole else float(text)
    except ValueError:
        return None
