"""What goes wrong with release dates: every locale, program and spreadsheet writes them in its own way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Final

from evaluation.faults.fault import Damage, Kind
from online_models.cleaning.verdicts import Value

_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
MONTHS: Final = {language: names.split() for language, names in _MONTHS.items()}
EXCEL_EPOCH: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets, for days since March 1900."""


def day_of(value: Value) -> date | None:
    """The day of a date that has one and is one."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def year_first(value: Value, field: str, chance: Random) -> Damage | None:
    day = day_of(value)
    if day is None:
        return None
    return Damage(
        chance.choice(
            (
                f"{day:%Y/%m/%d}",
                f"{day:%Y.%m.%d}",
                f"{day:%Y%m%d}",
                f"{day.year}-{day.month}-{day.day}",
                f"{day:%Y %m %d}",
                f"{day.year}年{day.month}月{day.day}日",
            )
        )
    )


def instant(value: Value, field: str, chance: Random) -> Damage | None:
    """A day with a time that nobody meant."""
    day = day_of(value)
    if day is None:
        return None
    times = ("%Y-%m-%dT00:00:00Z", "%Y-%m-%d 00:00:00", "%Y-%m-%dT00:00:00.000+00:00", "%Y-%m-%d 00:00:00 UTC", "%a, %d %b %Y 00:00:00 GMT")
    return Damage(chance.choice((day, datetime(day.year, day.month, day.day, tzinfo=UTC), *(day.strftime(form) for form in times))))


def month_named(value: Value, field: str, chance: Random) -> Damage | None:
    """In English, as letters, logs and databases write it."""
    day = day_of(value)
    if day is None:
        return None
    name, year = chance.choice((MONTHS["en"][day.month - 1], MONTHS["en"][day.month - 1][:3])), day.year
    ordinal = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(day.day, "th")
    return Damage(
        chance.choice(
            (
                f"{name} {day.day}, {year}",
                f"{day.day} {name} {year}",
                f"{day.day:02}-{name}-{year}",
                f"{name} {day.day}{ordinal}, {year}",
                f"{day.day}{ordinal} of {name} {year}",
                f"{name.upper()} {day.day} {year}",
                f"{year} {name} {day.day}",
                f"{day:%A}, {name} {day.day}, {year}",
            )
        )
    )


def month_named_elsewhere(value: Value, field: str, chance: Random) -> Damage | None:
    """In German, French, or Spanish."""
    day = day_of(value)
    if day is None:
        return None
    return Damage(
        chance.choice(
            (
                f"{day.day}. {MONTHS['de'][day.month - 1]} {day.year}",
                f"{day.day} {MONTHS['fr'][day.month - 1]} {day.year}",
                f"{day.day} de {MONTHS['es'][day.month - 1]} de {day.year}",
            )
        )
    )


def serial(value: Value, field: str, chance: Random) -> Damage | None:
    """A spreadsheet's number of days, or a computer's of seconds."""
    day = day_of(value)
    if day is None or day.year < 1975:
        return None
    days, epoch = (day - EXCEL_EPOCH).days, int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return Damage(chance.choice((days, str(days), f"{days}.0", epoch, str(epoch), epoch * 1_000)))


def year_as_float(value: Value, field: str, chance: Random) -> Damage | None:
    if not isinstance(value, str) or len(value) != 4:
        return None
    return Damage(chance.choice((f"{value}.0", int(value), float(value), f" {value} ", f"{value}-00-00", f"({value})", f"{value}-??-??")))


def month_alone(value: Value, field: str, chance: Random) -> Damage | None:
    if not isinstance(value, str) or len(value) != 7:
        return None
    year, month = value.split("-")
    name = MONTHS["en"][int(month) - 1]
    return Damage(chance.choice((f"{month}/{year}", f"{name} {year}", f"{name[:3]} {year}", f"{year}/{month}", f"{value}-00")))


def two_digits(value: Value, field: str, chance: Random) -> Damage | None:
    """A year of two digits: the century, and which of the three it is, are anybody's guess."""
    day = day_of(value)
    return None if day is None else Damage(chance.choice((f"{day:%d/%m/%y}", f"{day:%m/%d/%y}", f"{day:%y-%m-%d}")))


def no_day(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(
        chance.choice(
            ("2019-02-30", "31/31/2019", "0000-00-00", "9999-12-31", "1066-10-14", "soon", "next Friday", 0, -1, True, "2019-13-01")
        )
    )


RELEASED: Final = ("released",)
KINDS: Final = (
    Kind("date with the year first", RELEASED, year_first),
    Kind("date with a time", RELEASED, instant),
    Kind("date with a month's name", RELEASED, month_named),
    Kind("date in another language", RELEASED, month_named_elsewhere),
    Kind("date as a serial number", RELEASED, serial),
    Kind("year as something else", RELEASED, year_as_float, weight=4),
    Kind("month of a year", RELEASED, month_alone, weight=8),
    Kind("year of two digits", RELEASED, two_digits, "row", "merged"),
    Kind("no date", RELEASED, no_day, "row", "merged"),
)


def of_one_order(chance: Random) -> Kind:
    """Dates of numbers alone, day or month first, the same all through a source."""
    return Kind("date of numbers alone", RELEASED, Order(day_first=chance.random() < 0.5).make)


class Order:
    """The order in which one source writes the numbers of a day."""

    def __init__(self, *, day_first: bool) -> None:
        self.day_first = day_first
        self._n_clear = 0

    def make(self, value: Value, field: str, chance: Random) -> Damage | None:
        """`14/06/2019`; lost while too few days above 12 have shown which number is the day."""
        day = day_of(value)
        if day is None:
            return None
        first, second = (day.day, day.month) if self.day_first else (day.month, day.day)
        between = chance.choice("/.-")
        clear = day.day > 12 or day.day == day.month
        self._n_clear += day.day > 12
        text = chance.choice((f"{first:02}{between}{second:02}{between}{day.year}", f"{first}{between}{second}{between}{day.year}"))
        return Damage(text, lost=not clear and self._n_clear < CLEAR_MIN)


CLEAR_MIN: Final = 10
"""Days of numbers after which a reader who kept count knows their order."""
