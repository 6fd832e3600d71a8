"""One row of a catalogue, or one user's attributes, from whatever a source wrote to declared fields.

Nothing is thrown away silently: what was changed is a `Correction`, what could not be used a `Refusal`, and both are counted
by rule and by reason with some examples of each.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from online_models.cleaning.bare import only_one
from online_models.cleaning.codes import COUNTRY, LANGUAGE
from online_models.cleaning.dates import DayOrder, read_date
from online_models.cleaning.fields import Field
from online_models.cleaning.missing import Imputer, is_missing
from online_models.cleaning.names import Declared, Names
from online_models.cleaning.numbers import NUMBER_MAX, read_number
from online_models.cleaning.spelling import NAMES_MAX
from online_models.cleaning.text import tidy, underscores
from online_models.cleaning.titles import Credit, Title, credited, take_apart
from online_models.cleaning.verdicts import Reading, Reason, Rule, Value
from online_models.cleaning.vocabulary import DECLARED

EXAMPLES_MAX: Final = 3
SHOWN_CHARS_MAX: Final = 80
"""A correction stays on its row: the raw value is kept as far as a person needs to see it."""
TEXT_CHARS_MAX: Final = 100_000
ID_CHARS_MAX: Final = 256
"""Of the contract."""
LIST_MAX: Final = 1_000
NUMBERS: Final = "numbers"
DATES: Final = "dates"
"""Places of the evidence that is no name: usual numbers, and the order of days and months."""
BETWEEN: Final = re.compile(r"\s*[;|]\s*")
"""What stands between the values of a list that came as one text; a comma may be part of one."""


class Correction(NamedTuple):
    """A value that a rule changed."""

    field: str
    rule: Rule
    before: str
    after: Value


class Refusal(NamedTuple):
    """A value that the row goes on without."""

    field: str
    reason: Reason
    value: str


class CleanRow(NamedTuple):
    """A row as it may be learned from."""

    values: dict[str, Value]
    """Fields that are known."""
    estimates: dict[str, Value]
    """Numbers that stand in for missing ones: to be used, and never to be learned as if they were seen."""
    corrections: list[Correction]
    refusals: list[Refusal]
    writings: dict[str, str]
    """Artists and categories as they were written, tidy: evidence for the next rows, whatever was made of them."""

    @property
    def title(self) -> Title | None:
        """The title taken apart; `values` keeps it whole."""
        title = self.values.get("title")
        return take_apart(title, str(self.values.get("artist", ""))) if isinstance(title, str) else None

    @property
    def credit(self) -> Credit | None:
        """The artist apart from guests; `values` keeps them whole."""
        artist = self.values.get("artist")
        return credited(artist) if isinstance(artist, str) else None


class BadRow(Exception):
    """A row without an identity."""


class Counts:
    """What cleaning did so far, by field."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.n_bad_rows = 0
        self.corrected: Counter[tuple[str, Rule]] = Counter()
        self.refused: Counter[tuple[str, Reason]] = Counter()
        self.missing: Counter[str] = Counter()
        self.estimated: Counter[str] = Counter()
        self.examples: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        """(field, rule or reason) -> (raw value, clean value) of the first few."""

    def add(self, row: CleanRow, fields: Iterable[str]) -> None:
        """Count a row; `fields` are those that it may have."""
        self.n_rows += 1
        refused = {it.field for it in row.refusals}
        self.missing.update(name for name in fields if name not in row.values and name not in refused)
        self.estimated.update(row.estimates.keys())
        for change in row.corrections:
            self.corrected[change.field, change.rule] += 1
            self._keep((change.field, change.rule), change.before, _shown(change.after))
        for refusal in row.refusals:
            self.refused[refusal.field, refusal.reason] += 1
            self._keep((refusal.field, refusal.reason), refusal.value, _shown(row.values.get(refusal.field, "")))

    def plain(self) -> dict[str, Any]:
        """All counts as plain data, sorted; `restore` takes it back."""
        return {
            "rows": self.n_rows,
            "bad_rows": self.n_bad_rows,
            "corrected": [[field, str(rule), n] for (field, rule), n in sorted(self.corrected.items())],
            "refused": [[field, str(reason), n] for (field, reason), n in sorted(self.refused.items())],
            "missing": dict(sorted(self.missing.items())),
            "estimated": dict(sorted(self.estimated.items())),
            "examples": [[*what, [list(pair) for pair in found]] for what, found in sorted(self.examples.items())],
        }

    def restore(self, plain: Mapping[str, Any]) -> None:
        """What `plain` said."""
        self.n_rows, self.n_bad_rows = plain["rows"], plain["bad_rows"]
        self.corrected = Counter({(field, Rule(rule)): n for field, rule, n in plain["corrected"]})
        self.refused = Counter({(field, Reason(reason)): n for field, reason, n in plain["refused"]})
        self.missing, self.estimated = Counter(plain["missing"]), Counter(plain["estimated"])
        self.examples.clear()
        self.examples.update({(field, kind): [(before, after) for before, after in found] for field, kind, found in plain["examples"]})

    def _keep(self, what: tuple[str, str], before: str, after: str) -> None:
        if len(self.examples[what]) < EXAMPLES_MAX:
            self.examples[what].append((before, after))


class RowCleaner:
    """Cleans rows of declared fields, and learns from them what it needs for the next ones.

    `learn_one` takes the evidence of a row (how dates are written, usual numbers), `clean_one` changes nothing but the counts;
    a stream calls `clean_one`, then `learn_one`.

    Parameters
    ----------
    fields: the first is the row's identity.
    declared: field -> names that are right as they are -> what else each is called.
    names_max: names in memory, of each field.

    >>> from online_models.cleaning.fields import TRACK_FIELDS
    >>> cleaner = RowCleaner(TRACK_FIELDS)
    >>> row = cleaner.clean_one({"track_id": "t7", "tempo": "120 bpm", "energy": 7.3, "title": "R&amp;B  hits", "mood": "?"})
    >>> row.values
    {'track_id': 't7', 'title': 'R&B hits', 'tempo': 120.0}
    >>> [(it.field, it.reason.value) for it in row.refusals]
    [('energy', 'out_of_range')]
    """

    def __init__(self, fields: Iterable[Field], declared: Declared = DECLARED, *, names_max: int = NAMES_MAX) -> None:
        self.fields = {field.name: field for field in fields}
        self.identity = next(iter(self.fields))
        self.counts = Counts()
        self._imputer = Imputer(self.fields.values())
        self._orders = {field.name: DayOrder() for field in self.fields.values() if field.kind == "date"}
        self._names = {
            field.name: Names(field, declared.get(field.name, {}), names_max)
            for field in self.fields.values()
            if field.kind in ("artist", "category")
        }

    def clean_one(self, raw: Mapping[str, object]) -> CleanRow:
        """A row with the fields that are declared; others are none of its business. Raises `BadRow`."""
        row = CleanRow({}, {}, [], [], {})
        for name, field in self.fields.items():
            value = raw.get(name)
            if not is_missing(value, is_text=field.kind in ("id", "text", "artist")):
                self._read(field, value, row)
        for name, names in self._names.items():  # behind the rest: what stands beside a name tells who is meant
            self._name(name, names, row)
        if self.identity not in row.values:
            self.counts.n_bad_rows += 1
            raise BadRow(f"no {self.identity}: a row needs one, as text of 1 to {ID_CHARS_MAX} characters")
        row.estimates.update(self._imputer.transform_one(row.values))
        self.counts.add(row, self.fields)
        return row

    def learn_one(self, raw: Mapping[str, object], row: CleanRow) -> None:
        """Take the evidence of a row that `clean_one` made of `raw`."""
        self._imputer.learn_one(row.values)
        for name, order in self._orders.items():
            order.learn_one(raw.get(name))
        for name, writing in row.writings.items():
            self._names[name].learn_one(writing, str(row.values[name]), row.values)

    def touched(self, row: CleanRow) -> Iterator[str]:
        """Places of the evidence that `learn_one` of this row may change."""
        yield NUMBERS
        yield DATES
        for name, writing in row.writings.items():
            for other, key in self._names[name].touched(writing, row.values):
                yield f"{name}{'+' if other else ''}{other}:{key}"

    def evidence(self, place: str) -> Any:
        """What is known at a place, as plain data; None = nothing."""
        if place == NUMBERS:
            return self._imputer.evidence()
        if place == DATES:
            return {name: [order.n_day_first, order.n_month_first] for name, order in self._orders.items()}
        name, other, key = _parted(place)
        return self._names[name].evidence(other, key)

    def restore(self, place: str, evidence: Any) -> None:
        """What `evidence` said of a place; a cleaner that was told of all places goes on as the one that learned them."""
        if place == NUMBERS:
            self._imputer.restore(evidence)
        elif place == DATES:
            for name, (n_day_first, n_month_first) in evidence.items():
                self._orders[name].n_day_first, self._orders[name].n_month_first = n_day_first, n_month_first
        else:
            name, other, key = _parted(place)
            self._names[name].restore(other, key, evidence)

    def _read(self, field: Field, value: object, row: CleanRow) -> None:
        if field.kind == "number":
            self._take(field, value, read_number(value, field), row)
        elif field.kind == "date":
            self._take(field, value, read_date(value, self._orders[field.name]), row)
        elif field.kind == "list":
            _read_list(field, value, row)
        elif field.kind == "id":
            self._take(field, value, _identity(value), row)
        elif field.kind in ("country", "language"):
            self._take(field, value, (COUNTRY if field.kind == "country" else LANGUAGE).read(value), row)
        else:
            _read_text(field, value, row)

    @staticmethod
    def _name(field: str, names: Names, row: CleanRow) -> None:
        """The name that was meant, as it is usually written."""
        name = row.values.get(field)
        if not isinstance(name, str):
            return
        row.writings[field] = name
        for rule, after in names.meant(name, row.values):
            row.corrections.append(Correction(field, rule, _shown(name), _shown(after)))
            row.values[field] = name = after

    @staticmethod
    def _take(field: Field, value: object, reading: Reading, row: CleanRow) -> None:
        if reading.value is not None:
            row.values[field.name] = reading.value
            if reading.rule is not None:
                row.corrections.append(Correction(field.name, reading.rule, _shown(value), reading.value))
        if reading.reason is not None:
            row.refusals.append(Refusal(field.name, reading.reason, _shown(value)))


def _parted(place: str) -> tuple[str, str, str]:
    """Field, field beside it, key.

    >>> _parted("artist+album:load"), _parted("genre:drum:bass")
    (('artist', 'album', 'load'), ('genre', '', 'drum:bass'))
    """
    fields, _, key = place.partition(":")
    name, _, other = fields.partition("+")
    return name, other, key


def _identity(value: object) -> Reading:
    """An id is never changed: it would be another one."""
    text = _text_of(value)
    return Reading(reason=Reason.WRONG_TYPE) if text is None or len(text) > ID_CHARS_MAX else Reading(text)


def _read_text(field: Field, value: object, row: CleanRow) -> None:
    alone = only_one(value)
    text = _text_of(alone)
    if alone is not value and text is not None:
        row.corrections.append(Correction(field.name, Rule.BARE, _shown(value), _shown(text)))
    if text is None:
        row.refusals.append(Refusal(field.name, Reason.WRONG_TYPE, _shown(value)))
        return
    clean, steps = tidy(text)
    if not clean:
        return  # of invisible characters alone
    row.corrections.extend(Correction(field.name, step.rule, _shown(step.before), _shown(step.after)) for step in steps)
    spaced = underscores(clean) if field.kind == "text" else clean
    if spaced != clean:
        row.corrections.append(Correction(field.name, Rule.UNDERSCORE, _shown(clean), _shown(spaced)))
    row.values[field.name] = spaced


def _read_list(field: Field, value: object, row: CleanRow) -> None:
    """Texts, each once, in their order."""
    if isinstance(value, str):
        parts: list[object] = list(BETWEEN.split(value))
        if len(parts) > 1:
            row.corrections.append(Correction(field.name, Rule.SPLIT, _shown(value), tuple(map(str, parts))[:EXAMPLES_MAX]))
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = [None]
    texts = [_text_of(part) for part in parts[:LIST_MAX]]
    if None in texts:
        row.refusals.append(Refusal(field.name, Reason.WRONG_TYPE, _shown(value)))
    found: dict[str, None] = {}
    for text in texts:
        clean, steps = tidy(text or "")
        row.corrections.extend(Correction(field.name, step.rule, _shown(step.before), _shown(step.after)) for step in steps)
        if not is_missing(clean):
            found[clean] = None
    if found:
        row.values[field.name] = tuple(found)


def _text_of(value: object) -> str | None:
    """Text as it is, a number as it is written; None = neither."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < NUMBER_MAX:
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else None


def _shown(value: object) -> str:
    """For people, of any length and kind."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # an int of thousands of digits
        text = type(value).__name__
    return text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"
