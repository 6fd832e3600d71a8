"""Missing values: what counts as one, and what stands in for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from river import preprocessing, stats

from online_models.cleaning.fields import Field
from online_models.cleaning.verdicts import Value

MISSING_ANYWHERE: Final = frozenset(
    ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>", "\\N", "#N/A", "(null)", "[null]", "<null>", "<unknown>", "[unknown]")
)
"""How R, pandas, SQL, phones and spreadsheets write a missing value; as they write it, for there are songs called "None" and "Na"."""
MISSING_NUMBERS: Final = frozenset(
    (
        "none",
        "na",
        "-",
        "--",
        "—",
        "?",
        "??",
        "???",
        "unknown",
        "missing",
        "undefined",
        "nil",
        "n.a.",
        "tbd",
        "tba",
        "not available",
        "unbekannt",
    )
)
"""More of them, in any case, where a number, a date or a category is due: as a title each may be meant."""
MISSING_NAMES: Final = frozenset(("unknown artist", "unknown album", "unknown title", "unknown track", "no artist", "unknown genre"))
"""More of them, in any case and anywhere, as players and scanners of files name what they do not know."""
MISSING_IN_ANY_CASE: Final = MISSING_NUMBERS | MISSING_NAMES

EVIDENCE_MIN: Final = 30
"""Values before a statistic stands in for one: a mean of fewer is a guess about the first rows' playlist."""


def is_missing(value: object, *, is_text: bool = False) -> bool:
    """Whether a raw value says that there is none.

    >>> is_missing(None), is_missing(" "), is_missing(float("nan")), is_missing("unknown"), is_missing("unknown", is_text=True)
    (True, True, True, True, False)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    if not isinstance(value, str):
        return False
    text = value.strip()
    return text in MISSING_ANYWHERE or text.lower() in (MISSING_NAMES if is_text else MISSING_IN_ANY_CASE)


def is_doubtful(value: object) -> bool:
    """Whether a clean text may as well mean that nobody knows.

    >>> is_doubtful("?"), is_doubtful("Unknown Artist"), is_doubtful("Load")
    (True, True, False)
    """
    return isinstance(value, str) and is_missing(value)


class Imputer:
    """Stands in for missing numbers with River's running mean or median of the same field.

    >>> imputer = Imputer([Field("tempo", "number", 20, 300, impute="mean")])
    >>> for _ in range(EVIDENCE_MIN):
    ...     imputer.learn_one({"tempo": 120.0})
    >>> imputer.transform_one({})
    {'tempo': 120.0}
    """

    def __init__(self, fields: Iterable[Field]) -> None:
        self._fields = {field.name: field for field in fields if field.impute}
        self._stats = {name: stats.Mean() if field.impute == "mean" else stats.Quantile(0.5) for name, field in self._fields.items()}
        self._imputer = preprocessing.StatImputer(*self._stats.items())
        self._n = dict.fromkeys(self._fields, 0)

    def learn_one(self, row: Mapping[str, Value]) -> None:
        """Take the numbers of a clean row; its estimates must not be among them."""
        known = {name: row.get(name) for name in self._fields}
        self._imputer.learn_one(known)
        for name, value in known.items():
            self._n[name] += value is not None

    def transform_one(self, row: Mapping[str, Value]) -> dict[str, Value]:
        """Estimates of the fields that `row` lacks; a field with too little evidence stays out."""
        lacking = [name for name in self._fields if name not in row and self._n[name] >= EVIDENCE_MIN]
        if not lacking:
            return {}
        found = self._imputer.transform_one({name: row.get(name) for name in self._fields})
        return {name: self._within(found[name], self._fields[name]) for name in lacking}

    def evidence(self) -> dict[str, list[Any]]:
        """Field -> [values seen, the statistic's state], as plain data; fields that were never seen stay out."""
        return {name: [n, _state(self._stats[name])] for name, n in self._n.items() if n}

    def restore(self, evidence: Mapping[str, list[Any]]) -> None:
        """What `evidence` said."""
        for name, (n, state) in evidence.items():
            self._n[name] = n
            _set_state(self._stats[name], state)

    @staticmethod
    def _within(value: float, field: Field) -> Value:
        """A mean may leave its range by a rounding error; a count is whole."""
        bounded = min(max(float(value), field.low), field.high)
        return round(bounded) if field.whole else bounded


def _state(statistic: Any) -> Any:
    """A mean as [n, mean]; a quantile's markers (P2) as River's own bytes, in hex: both come back to the last bit."""
    if isinstance(statistic, stats.Mean):
        return [statistic.n, statistic._mean]
    return statistic._quantile.__getstate__().hex()


def _set_state(statistic: Any, state: Any) -> None:
    if isinstance(statistic, stats.Mean):
        statistic.n, statistic._mean = state
    else:
        statistic._quantile.__setstate__(bytes.fromhex(state))
        statistic._is_updated = True
