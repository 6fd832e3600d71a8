"""What cleaning says about a value: read as it stands, corrected by a rule, or refused for a reason."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

Value = str | int | float | tuple[str, ...]
"""What a clean field may hold; numbers are finite."""


class Rule(StrEnum):
    """Every rule by which a value may be changed."""

    UNIT = "unit"
    """A number that came with its unit, or in another one: `120 bpm`, `75 %`, `3.2 min`."""
    DECIMAL_COMMA = "decimal_comma"
    THOUSANDS = "thousands"
    """A number with separators between its thousands."""
    CLOCK = "clock"
    """A span of time as `3:21` or `PT3M21S`."""
    SECONDS = "seconds"
    """A span that is too short in its unit and usual in seconds."""
    WHOLE = "whole"
    """Rounded, because the field counts."""
    NUMBER_WORD = "number_word"
    """`twenty-five`."""
    KEY_NAME = "key_name"
    """A musical key or mode by its name or its place on the Camelot wheel."""
    DATE_FORM = "date_form"
    ENTITY = "entity"
    """`&amp;` and its like."""
    ESCAPE = "escape"
    """JSON's or an address' escapes that were left in."""
    MOJIBAKE = "mojibake"
    """UTF-8 that was read as if it were a one-byte encoding."""
    UNICODE = "unicode"
    """Composed characters (NFC)."""
    INVISIBLE = "invisible"
    SPACES = "spaces"
    UNDERSCORE = "underscore"
    """`Come_Together`, as file systems like it."""
    SPELLING = "spelling"
    """A close spelling of a name that is known well."""
    ONE_FORM = "one_form"
    """The usual writing of a name, or the code of a country or a language."""
    ARTICLE = "article"
    """`Beatles, The`."""
    BARE = "bare"
    """Quotes, brackets, labels and stray separators around a value, and lists of one."""
    ABOUT = "about"
    """A number that came with `ca.` or `~`."""
    SPLIT = "split"
    """A list that came as one text."""


class Reason(StrEnum):
    """Why a value cannot be used."""

    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    NOT_WHOLE = "not_whole"
    NOT_A_DATE = "not_a_date"
    UNKNOWN_NAME = "unknown_name"
    """No country or language that is known."""
    UNCLEAR_DATE = "unclear_date"
    """Day and month may be either way round; the year was kept."""


class Reading(NamedTuple):
    """One value as it was understood; `value` None = none (missing, or refused when there is a `reason`)."""

    value: Value | None = None
    rule: Rule | None = None
    reason: Reason | None = None
