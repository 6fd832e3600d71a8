"""Numbers as people and programs write them, brought to a field's unit and range.

A text may be read in more than one way (`122,036` is a tempo with a decimal comma or a span with thousands): the first
reading that lies in the field's range is the one that was meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from online_models.cleaning.clock import span_ms
from online_models.cleaning.fields import Field
from online_models.cleaning.music_words import key_number, mode_number
from online_models.cleaning.number_words import word_number
from online_models.cleaning.verdicts import Reading, Reason, Rule

PLAIN: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)
COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+|\d{1,3}( \d{3})+),\d+")
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:([, '])\d{3}(?:\1\d{3})*(?:\.\d+)?|(?:\.\d{3}){2,})")
WITH_UNIT: Final = re.compile(r"([+-]?[\d.,]*\d[\d.,]*)\s*([a-z%‰][a-z%. ]*)", re.IGNORECASE)

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
    "years": dict.fromkeys(("y", "yo", "y.o.", "yr", "yrs", "year", "years", "years old", "year old"), 1.0),
    "": {"%": 1.0, "percent": 1.0},
}
"""Unit of a field -> how it is written -> what one of it is in that unit."""

SECONDS_MIN, SECONDS_MAX = 20.0, 3_600.0
"""Spans that are read as seconds where they are too short as ms: the usual lengths of a track."""


def plain_number(text: str, field: Field) -> float | None:
    """`0.748`, `6.09e-4`, `-7`; the minus may be a typographic one."""
    return float(text) if PLAIN.fullmatch(text) else None


def with_unit(text: str, field: Field) -> float | None:
    """`120 bpm`, `-7,2 dB`, `75 %`."""
    found = WITH_UNIT.fullmatch(text)
    if found is None:
        return None
    scale = UNITS[field.unit].get(found[2].strip().lower())
    number = plain_number(found[1], field)
    number = decimal_comma(found[1], field) if number is None else number
    # Twelve digits are more than any source has, and 0.01 x 74.8 must come out as 0.748.
    return None if scale is None or number is None else float(f"{number * scale:.12g}")


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
    if isinstance(value, str):
        return _read_text(value, field)
    if isinstance(value, int | float):
        # NaN fails the comparison, and an int beyond every float must not be converted.
        return _read_text(repr(value), field) if abs(value) < NUMBER_MAX else Reading(reason=Reason.NOT_FINITE)
    return Reading(reason=Reason.WRONG_TYPE)


NUMBER_MAX: Final = 1e300
"""Beyond this a change of unit could overflow."""
NUMBER_CHARS_MAX: Final = 64
"""No number is longer; keeps the patterns above away from megabytes."""


def _read_text(value: str, field: Field) -> Reading:
    text = " ".join(value.replace("\u2212", "-").split())
    if len(text) > NUMBER_CHARS_MAX:
        return Reading(reason=Reason.NOT_A_NUMBER)
    if text.lower().lstrip("+-") in ("inf", "infinity"):
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
