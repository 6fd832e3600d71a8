"""Numbers as people and programs write them, brought to a field's unit and range.

A text may be read in more than one way (`122,036` is a tempo with a decimal comma or a span with thousands): the first
reading that lies in the field's range is the one that was meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from online_models.cleaning.bare import bare, exact, narrow, only_one
from online_models.cleaning.clock import span_ms
from online_models.cleaning.fields import Field
from online_models.cleaning.music_words import key_number, mode_number
from online_models.cleaning.number_words import word_number
from online_models.cleaning.text import folded
from online_models.cleaning.verdicts import Reading, Reason, Rule

PLAIN: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)
COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+|\d{1,3}( \d{3})+),\d+(e[+-]?\d{1,3})?", re.IGNORECASE)
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:([, '])\d{3}(?:\1\d{3})*(?:\.\d+)?|(?:\.\d{3}){2,})")
WITH_UNIT: Final = re.compile(r"([+-]?[\d.,]*\d[\d.,]*)\s*([^\W\d]|[%‰])([^\d,]*)")
OUT_OF: Final = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\s*(?:/|out of|of)\s*(\d{1,9})", re.IGNORECASE)

UNITS: Final[dict[str, dict[str, float]]] = {
    "ms": {
        **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), 1.0),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000.0),
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000.0),
        **dict.fromkeys(("h", "hr", "hours", "hour"), 3_600_000.0),
    },
    "bpm": dict.fromkeys(("bpm", "b.p.m.", "beats per minute", "beats/min"), 1.0),
    "dB": dict.fromkeys(("db", "dbfs", "lufs", "decibel", "decibels"), 1.0),
    "share": {"%": 0.01, "percent": 0.01, "pct": 0.01, "per cent": 0.01, "‰": 0.001},
    "years": dict.fromkeys(
        ("y", "yo", "y.o.", "y/o", "yr", "yrs", "year", "years", "years old", "year old", "yrs old", "years of age", "jahre", "jahre alt")
        + ("ans", "años", "anos", "anni", "jaar", "år", "lat", "лет", "歳", "岁"),
        1.0,
    ),
    "": {"%": 1.0, "percent": 1.0},
}
"""Unit of a field -> how it is written -> what one of it is in that unit."""

SECONDS_MIN, SECONDS_MAX = 20.0, 3_600.0
"""Spans that are read as seconds where they are too short as ms: the usual lengths of a track."""


def plain_number(text: str, field: Field) -> float | None:
    """`0.748`, `6.09e-4`, `-7`."""
    return float(text) if PLAIN.fullmatch(text) else None


def with_unit(text: str, field: Field) -> float | None:
    """`120 bpm`, `-7,2 dB`, `75 %`."""
    found = WITH_UNIT.fullmatch(text)
    if found is None:
        return None
    scale = UNITS[field.unit].get((found[2] + found[3]).strip().lower())
    number = plain_number(found[1], field)
    number = decimal_comma(found[1], field) if number is None else number
    # Twelve digits are more than any source has, and 0.01 x 74.8 must come out as 0.748.
    return None if scale is None or number is None else float(f"{number * scale:.12g}")


def out_of(text: str, field: Field) -> float | None:
    """`66/100`, `7 out of 10`: shares and scores."""
    found = OUT_OF.fullmatch(text)
    if found is None or field.names or field.low != 0 or field.high not in (1, 100) or int(found[2]) < 2:
        return None
    return float(f"{float(found[1].replace(',', '.')) / int(found[2]) * field.high:.12g}")


def decimal_comma(text: str, field: Field) -> float | None:
    """`0,748`, and `1.234,5`."""
    if COMMA.fullmatch(text) is None:
        return None
    return float(text.replace(".", "").replace(" ", "").replace(",", "."))


def thousands(text: str, field: Field) -> float | None:
    """`194,754`, `194 754`, `194'754`, `1.234.567`; a single dot is a decimal one."""
    found = GROUPED.fullmatch(text)
    if found is None:
        return None
    return float(text.replace(found[1] or ".", ""))


def clock(text: str, field: Field) -> float | None:
    """`3:21`, `PT3M21S`, `3m21s`: spans only."""
    return span_ms(text) if field.unit == "ms" else None


def seconds(text: str, field: Field) -> float | None:
    """A span of `194.754` where ms are due."""
    number = plain_number(text, field)
    number = decimal_comma(text, field) if number is None else number
    if field.unit != "ms" or number is None or not SECONDS_MIN <= number < SECONDS_MAX:
        return None
    return float(f"{number * 1_000.0:.12g}")


def music_name(text: str, field: Field) -> float | None:
    """`C#`, `8A`, `minor`."""
    if field.names == "key":
        return key_number(text)
    return mode_number(text) if field.names == "mode" else None


def number_word(text: str, field: Field) -> float | None:
    """`twenty-five`: counts only."""
    return word_number(text) if field.names == "count" else None


READERS: Final[tuple[tuple[Rule | None, Callable[[str, Field], float | None]], ...]] = (
    (None, plain_number),
    (Rule.UNIT, with_unit),
    (Rule.UNIT, out_of),
    (Rule.DECIMAL_COMMA, decimal_comma),
    (Rule.THOUSANDS, thousands),
    (Rule.CLOCK, clock),
    (Rule.SECONDS, seconds),
    (Rule.KEY_NAME, music_name),
    (Rule.NUMBER_WORD, number_word),
)


def read_number(value: object, field: Field) -> Reading:
    """A raw value as the field's number: finite, within its range, in its unit.

    >>> tempo = Field("tempo", "number", 20, 300, "bpm")
    >>> read_number("120 bpm", tempo)
    Reading(value=120.0, rule=<Rule.UNIT: 'unit'>, reason=None)
    >>> read_number(0, tempo).reason
    <Reason.OUT_OF_RANGE: 'out_of_range'>
    """
    if isinstance(value, bool):
        return (
            _placed(float(value), None, field) if (field.low, field.high) == (0, 1) and field.whole else Reading(reason=Reason.WRONG_TYPE)
        )
    alone = only_one(value)
    if isinstance(alone, str):
        return _read_text(alone, field)
    if alone is not value:
        found = read_number(alone, field) if isinstance(alone, int | float) else Reading(reason=Reason.WRONG_TYPE)
        return found if found.value is None else found._replace(rule=found.rule or Rule.BARE)
    if isinstance(value, int | float):
        # NaN fails the comparison, and an int beyond every float must not be converted.
        return _read_text(repr(value), field) if abs(value) < NUMBER_MAX else Reading(reason=Reason.NOT_FINITE)
    return Reading(reason=Reason.WRONG_TYPE)


NUMBER_MAX: Final = 1e300
"""Beyond this a change of unit could overflow."""
NUMBER_CHARS_MAX: Final = 64
"""No number is longer; keeps the patterns above away from megabytes."""


def _read_text(value: str, field: Field) -> Reading:
    plain = plain_number(value, field)
    if plain is not None and field.low <= plain <= field.high:
        return _placed(plain, None, field)  # nearly every value: not worth a look at its forms
    refused = Reading(reason=Reason.NOT_A_NUMBER)
    for rule, text in _forms(value, field):
        found = _tried(text, field)
        if found.value is not None:
            return found._replace(rule=found.rule or rule)
        refused = found if refused.reason is Reason.NOT_A_NUMBER else refused
    return refused


def _forms(value: str, field: Field) -> Iterator[tuple[Rule | None, str]]:
    """As it stands; without what stands around it; and as what it was told to be about."""
    spaced = " ".join(value.split())
    if len(spaced) > 2 * NUMBER_CHARS_MAX:
        return
    text = narrow(spaced)
    yield (Rule.UNICODE if text != spaced else None), text
    alone = bare(text, _labels(field))
    yield Rule.BARE, alone
    yield Rule.ABOUT, exact(alone)


def _tried(text: str, field: Field) -> Reading:
    """The first reading that may stand."""
    if len(text) > NUMBER_CHARS_MAX:
        return Reading(reason=Reason.NOT_A_NUMBER)
    if text.lower().lstrip("+-") in ("inf", "infinity", "∞"):
        return Reading(reason=Reason.NOT_FINITE)
    refused = Reason.NOT_A_NUMBER
    for rule, reader in READERS:
        number = reader(text, field)
        if number is None:
            continue
        found = _placed(number, rule, field)
        if found.value is not None:
            return found
        refused = found.reason if refused is Reason.NOT_A_NUMBER and found.reason else refused
    return Reading(reason=refused)


@lru_cache
def _labels(field: Field) -> frozenset[str]:
    """What may stand before a number of this field: its name, also without the unit, and the unit."""
    return frozenset(map(folded, (field.name, field.name.removesuffix(f"_{field.unit}"), field.unit, *UNITS[field.unit])))


def _placed(number: float, rule: Rule | None, field: Field) -> Reading:
    """A number where it may stand: in range, and whole where the field counts."""
    if not math.isfinite(number):
        return Reading(reason=Reason.NOT_FINITE)
    if not field.low <= number <= field.high:
        return Reading(reason=Reason.OUT_OF_RANGE)
    if not field.whole:
        return Reading(number, rule)
    if number.is_integer():
        return Reading(int(number), rule)
    if field.unit != "ms":
        return Reading(reason=Reason.NOT_WHOLE)
    return Reading(round(number), rule or Rule.WHOLE)
