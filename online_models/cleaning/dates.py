"""Release dates in any usual writing, brought to `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.

`06/07/2019` may be June or July: which one is settled by the dates of the same stream that can be read one way only. A year of two
digits is refused: nothing says its century, nor which of the three numbers it is.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from online_models.cleaning.bare import bare, narrow, only_one
from online_models.cleaning.text import folded
from online_models.cleaning.verdicts import Reading, Reason, Rule

YEAR_MIN, YEAR_MAX = 1860, 2100
"""The first recording of a song that still sounds is of 1860."""
EVIDENCE_MIN: Final = 5
"""Dates that can be read one way only before they settle the others."""

ISO: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})(?:[-/. ](\d{1,2}))?")
COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
COUNTED: Final = re.compile(r"(\d{4}) ?[年년](?: ?(\d{1,2}) ?[月월](?: ?(\d{1,2}) ?[日일])?)?")
"""As China, Japan and Korea write them."""
YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.](\d{4})")
AS_FLOAT: Final = re.compile(r"(\d{4})\.0+")
DAY_NAME: Final = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|º)?\.?(?: of| de)?[- ]([^\W\d]{3,10})\.?,?(?: de| del)?[- ](\d{4})", re.IGNORECASE
)
NAME_DAY: Final = re.compile(r"([^\W\d]{3,10})\.?[- ](\d{1,2})(?:st|nd|rd|th)?,?[- ](\d{4})", re.IGNORECASE)
YEAR_NAME_DAY: Final = re.compile(r"(\d{4}),?[- ]([^\W\d]{3,10})\.?[- ](\d{1,2})")
NAME_YEAR: Final = re.compile(r"([^\W\d]{3,10})\.?,?(?: de| del)?[- ](\d{4})")
NAMED: Final = ((DAY_NAME, (3, 2, 1)), (NAME_DAY, (3, 1, 2)), (YEAR_NAME_DAY, (1, 2, 3)), (NAME_YEAR, (2, 1, 0)))
TIME: Final = re.compile(
    r"(?<=\d)[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[ap]m)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?$", re.IGNORECASE
)
WEEKDAY: Final = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? ", re.IGNORECASE)
UNKNOWN_PART: Final = re.compile(r"[-/.](?:\?{1,2}|x{1,2}|_{1,2})(?=$|[-/.])", re.IGNORECASE)
IN_BRACKETS: Final = re.compile(r"\((.+)\)")
NUMBER: Final = re.compile(r"(-?\d{5,16})(?:\.0+)?")


def _months() -> dict[str, int]:
    """Folded name -> month: of nine languages in full, English ones also by three and four letters."""
    written = (
        "january february march april may june july august september october november december",
        "januar februar marz april mai juni juli august september oktober november dezember",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    )
    found = {folded(name): month for names in written for month, name in enumerate(names.split(), 1)}
    return found | {name[:k]: month for month, name in enumerate(written[0].split(), 1) for k in (3, 4)}


MONTHS: Final = _months()
DAYS_MIN, DAYS_MAX = 10_000, 73_050
"""Days since the end of 1899, as spreadsheets count them: from 1927 to 2099; fewer look like years."""
EPOCH_S_MIN: Final = 10**8
"""Seconds since 1970, from 1973 on: eight digits are a date without separators."""
EPOCH_S_MAX: Final = 4_200_000_000
"""The year 2103; more are ms, us or ns."""


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
    value = only_one(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return Reading(reason=Reason.WRONG_TYPE)
    text = " ".join(str(value).split()) if isinstance(value, str) or abs(value) < EPOCH_MAX else ""
    if len(text) > DATE_CHARS_MAX:
        return Reading(reason=Reason.NOT_A_DATE)
    iso = ISO.fullmatch(text)
    if iso is not None and "00" not in (iso[2], iso[3]):
        return _dated(iso[1], iso[2], iso[3], None)
    text = _alone(text)
    for pattern, places in NUMERIC:
        found = pattern.fullmatch(text)
        if found is not None:
            year, month, day = (found[k] if k else None for k in places)
            return _dated(year or "", month, day, Rule.DATE_FORM)
    found = YEAR_LAST.fullmatch(text)
    return _year_last(found, order) if found is not None else _named(text)


DATE_CHARS_MAX: Final = 60
EPOCH_MAX: Final = 1e17


def _alone(text: str) -> str:
    """A day without the name of its weekday, its time, what stands around it, and `??` for a part that is not known."""
    text = bare(narrow(text), LABELS)
    found = IN_BRACKETS.fullmatch(text)
    text = WEEKDAY.sub("", found[1] if found is not None else text, count=1)
    return UNKNOWN_PART.sub("", TIME.sub("", text))


LABELS: Final = frozenset({"released", "release", "releasedate", "date", "year"})
NUMERIC: Final = (
    (ISO, (1, 2, 3)),
    (YEAR_FIRST, (1, 2, 3)),
    (COMPACT, (1, 2, 3)),
    (COUNTED, (1, 2, 3)),
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
    """`14 June 2019`, `Jun 14, 2019`, `June 2019`, `17 de noviembre de 1998`."""
    for pattern, places in NAMED:
        found = pattern.fullmatch(text)
        month = MONTHS.get(folded(found[places[1]])) if found is not None else None
        if found is not None and month is not None:
            return _dated(found[places[0]], str(month), found[places[2]] if places[2] else None, Rule.DATE_FORM)
    return _counted(text)


def _counted(text: str) -> Reading:
    """Days of a spreadsheet (43630), or seconds, ms, us or ns since 1970 (1560470400)."""
    found = NUMBER.fullmatch(text)
    number = abs(int(found[1])) if found is not None else 0
    if found is None or not (DAYS_MIN <= int(found[1]) <= DAYS_MAX or number >= EPOCH_S_MIN):
        return Reading(reason=Reason.NOT_A_DATE)
    if number >= EPOCH_S_MIN:
        scale = next(scale for scale in (1, 10**3, 10**6, 10**9) if number < EPOCH_S_MAX * scale or scale == 10**9)
        day = date(1970, 1, 1) + timedelta(days=int(found[1]) // (86_400 * scale))
    else:
        day = date(1899, 12, 30) + timedelta(days=number)
    return _dated(str(day.year), str(day.month), str(day.day), Rule.DATE_FORM)


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
