"""A value without what programs and people put around it: quotes, brackets, labels, separators of a neighbouring column."""

from __future__ import annotations

import re
from typing import Final

from online_models.cleaning.text import folded, visible

QUOTED: Final = re.compile(r"""=?(?:"([^"]+)"|“([^”]+)”|`([^`]+)`|‘([^’]+)’|'([^']+)')|'([^']+)""")
"""An apostrophe in front alone is how a spreadsheet marks a text."""
LISTED: Final = re.compile(r"\[([^\[\],]+),?\]|\{([^{},]+)\}|\(([^(),]+),\)")
"""A list of one as programs print it; plain parentheses may mean a minus."""
STRAY: Final = re.compile(r"\s*[;,|]+$")
LABEL: Final = re.compile(r"([^\W\d][\w .]*?)\s*[:=]?\s*(?=[+-]?[\d.])")
ABOUT: Final = re.compile(r"(?:[~≈]|(?:ca|c|approx|circa|about|approximately)\b\.?)\s*(?=[\d.])", re.IGNORECASE)
NARROW: Final = {ord(wide): chr(ord(wide) - 0xFEE0) for wide in "０１２３４５６７８９．，＋－：％／"}
SIGNS: Final = dict.fromkeys(map(ord, "\u2212\u2013\ufe63"), "-") | {ord("’"): "'"}
PRINTED: Final = re.compile(r"""\[\s*(?:"([^"]+)"|'((?:[^']|'(?!\s*[,\]]))+)')\s*\]""")


def narrow(text: str) -> str:
    """Digits and signs of East Asian keyboards and of typesetters as programs write them.

    >>> narrow("−２．５"), narrow("１２ ½")
    ('-2.5', '12 ½')
    """
    return text if text.isascii() else text.translate(NARROW).translate(SIGNS)


def bare(text: str, names: frozenset[str] = frozenset()) -> str:
    """A number or a date alone; `names` are what a label in front of it may say, folded.

    >>> bare('"0.748"'), bare("'0.748"), bare("[0.748]"), bare("0.748;"), bare("tempo: 122", frozenset({"tempo"})), bare("(2.6)")
    ('0.748', '0.748', '0.748', '0.748', '122', '(2.6)')
    """
    text = " ".join(STRAY.sub("", visible(text)).split())
    for pattern in (QUOTED, LISTED):
        found = pattern.fullmatch(text)
        text = next(filter(None, found.groups())).strip() if found is not None else text
    label = LABEL.match(text)
    return text[label.end() :] if label is not None and folded(label[1]) in names else text


def exact(text: str) -> str:
    """A number that was told as about, without saying so.

    >>> exact("~122"), exact("ca. 122"), exact("122")
    ('122', '122', '122')
    """
    return ABOUT.sub("", text, count=1) if ABOUT.match(text) else text


def only_one(value: object) -> object:
    """What a list of one holds, itself or as Python and JSON print it; anything else as it is.

    >>> only_one(["Queen"]), only_one("['Guns N' Roses']"), only_one("['A', 'B']"), only_one("[unknown]")
    ('Queen', "Guns N' Roses", "['A', 'B']", '[unknown]')
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        return value[0]
    found = PRINTED.fullmatch(value.strip()) if isinstance(value, str) and value.lstrip().startswith("[") else None
    return value if found is None else found[1] or found[2]
