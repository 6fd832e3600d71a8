"""Release dates in any usual writing, brought to `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.

`06/07/2019` may be June or July: which one is settled by the dates of the same stream that can be read one way only.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Final

from online_models.cleaning.verdicts import Reading, Reason, Rule

YEAR_MIN, YEAR_MAX = 1860, 2100
"""The first recording of a song that still sounds is of 1860."""
EVIDENCE_MIN: Final = 5
"""Dates that can be read one way only before they settle the others."""

ISO: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})(?:[-/. ](\d{1,2}))?")
COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
INSTANT: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ][\d:.]+(?:Z|UTC| UTC|[+-]\d{2}:?\d{2})?")
YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.](\d{4})")
DAY_NAME: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?(?: of)?[- ]([a-z]{3,9})\.?,?[- ](\d{4})", re.IGNORECASE)
NAME_DAY: Final = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", re.IGNORECASE)
NAME_YEAR: Final = re.compile(r"([a-z]{3,9})\.?,? (\d{4})", re.IGNORECASE)
AS_FLOAT: Final = re.compile(r"(\d{4})\.0")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class DayOrder:
    """Whether this stream writes day/month/year or month/day/year, by the dates that leave no choice."""

    def __init__(self) -> None:
        self.n_day_first = 0
        self.n_month_first = 0

    def learn_one(self, value: object) -> None:
        """Take one raw date as evidence."""
        found = YEAR_LAST.fullmatch(str(value).strip()) if isinstance(value, str) else None
        if found is not None:
            first, second = int(found[1]), int(found[2])
            self.n_day_first += first > 12 >= second
            self.n_month_first += second > 12 >= first

    @property
    def day_first(self) -> bool | None:
        """None = not settled."""
        if min(self.n_day_first, self.n_month_first) * 20 > max(self.n_day_first, self.n_month_first):
            return None
        if max(self.n_day_first, self.n_month_first) < EVIDENCE_MIN:
            return None
        return self.n_day_first > self.n_month_first


def read_date(value: object, order: DayOrder) -> Reading:
    """A raw value as a date.

    >>> order = DayOrder()
    >>> read_date("2019-06", order).value, read_date("14/06/2019", order).value, read_date("June 14, 2019", order).value
    ('2019-06', '2019-06-14', '2019-06-14')
    >>> read_date("06/07/2019", order)
    Reading(value='2019', rule=<Rule.DATE_FORM: 'date_form'>, reason=<Reason.UNCLEAR_DATE: 'unclear_date'>)
    """
    if isinstance(value, date):
        value = value.isoformat()[:10]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return Reading(reason=Reason.WRONG_TYPE)
    text = " ".join(str(value).split())[:40]
    iso = ISO.fullmatch(text)
    if iso is not None and "00" not in (iso[2], iso[3]):
        return _dated(iso[1], iso[2], iso[3], None)
    for pattern, places in NUMERIC:
        found = pattern.fullmatch(text)
        if found is not None:
            year, month, day = (found[k] if k else None for k in places)
            return _dated(year or "", month, day, Rule.DATE_FORM)
    found = YEAR_LAST.fullmatch(text)
    return _year_last(found, order) if found is not None else _named(text)


NUMERIC: Final = (
    (INSTANT, (1, 2, 3)),
    (YEAR_FIRST, (1, 2, 3)),
    (COMPACT, (1, 2, 3)),
    (MONTH_YEAR, (2, 1, 0)),
    (AS_FLOAT, (1, 0, 0)),
)
"""Pattern -> its groups of year, month, day (0 = none)."""


def _year_last(found: re.Match[str], order: DayOrder) -> Reading:
    first, second, year = found[1], found[2], found[3]
    if int(first) > 12:
        return _dated(year, second, first, Rule.DATE_FORM)
    if int(second) > 12:
        return _dated(year, first, second, Rule.DATE_FORM)
    if int(first) == int(second) or order.day_first is not None:
        month, day = (second, first) if order.day_first else (first, second)
        return _dated(year, month, day, Rule.DATE_FORM)
    return _dated(year, None, None, Rule.DATE_FORM)._replace(reason=Reason.UNCLEAR_DATE)


def _named(text: str) -> Reading:
    """`14 June 2019`, `Jun 14, 2019`, `June 2019`."""
    for pattern, places in ((DAY_NAME, (3, 2, 1)), (NAME_DAY, (3, 1, 2)), (NAME_YEAR, (2, 1, 0))):
        found = pattern.fullmatch(text)
        if found is None:
            continue
        name = found[places[1]].lower()
        month = next((k for k, full in enumerate(MONTHS, 1) if full == name or full[:3] == name or (full[:4] == name)), None)
        if month is not None:
            return _dated(found[places[0]], str(month), found[places[2]] if places[2] else None, Rule.DATE_FORM)
    return Reading(reason=Reason.NOT_A_DATE)


def _dated(year: str, month: str | None, day: str | None, rule: Rule | None) -> Reading:
    """A date of the calendar; zeros stand for what is not known, as MusicBrainz and SQL dumps write them."""
    y, m, d = int(year), int(month or 0), int(day or 0)
    if not YEAR_MIN <= y <= YEAR_MAX:
        return Reading(reason=Reason.OUT_OF_RANGE)
    if m == 0:
        return Reading(f"{y:04}", rule)
    if m > 12 or d > monthrange(y, m)[1]:
        return Reading(reason=Reason.NOT_A_DATE)
    return Reading(f"{y:04}-{m:02}" + (f"-{d:02}" if d else ""), rule)
