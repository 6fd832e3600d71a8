"""Text in one form: each rule is a function from text to text, and leaves alone what it is not sure of."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

from online_models.cleaning.verdicts import Rule

ENTITY: Final = re.compile(
    r"&(#\d{1,6}|#x[0-9a-fA-F]{1,5}|amp|quot|lt|gt|apos|nbsp|[aeiouAEIOU](?:acute|grave|uml|circ)|[nN]tilde|[cC]cedil);"
)
INVISIBLE: Final = re.compile("[\u0000-\u0008\u000e-\u001f\u007f\u00ad\u200b\u200e\u200f\u2060\ufeff\ufffd]")
"""Joiners (U+200C, U+200D) are not among them: Persian, Hindi and emoji are written with them."""
TWICE_ENCODED: Final = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")


def entities(text: str) -> str:
    """
    >>> entities("Simon &amp; Garfunkel"), entities("AT&T")
    ('Simon & Garfunkel', 'AT&T')
    """
    return ENTITY.sub(lambda found: html.unescape(found[0]), text)


def mojibake(text: str) -> str:
    """UTF-8 that was read as Windows-1252 or Latin-1; changed only where its bytes are valid UTF-8.

    >>> mojibake("BeyoncÃ©"), mojibake("SENTADÃO"), mojibake("Motörhead")
    ('Beyoncé', 'SENTADÃO', 'Motörhead')
    """
    if TWICE_ENCODED.search(text) is None:
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def composed(text: str) -> str:
    """Characters with their accents in one (NFC)."""
    return unicodedata.normalize("NFC", text)


def visible(text: str) -> str:
    """Without control characters, zero-width spaces and byte order marks."""
    return INVISIBLE.sub("", text)


def spaces(text: str) -> str:
    """One plain space between words, none around them.

    >>> spaces(" Daft\\u00a0 Punk ")
    'Daft Punk'
    """
    return " ".join(text.split())


RULES: Final[tuple[tuple[Rule, Callable[[str], str]], ...]] = (
    (Rule.ENTITY, entities),
    (Rule.MOJIBAKE, mojibake),
    (Rule.UNICODE, composed),
    (Rule.INVISIBLE, visible),
    (Rule.SPACES, spaces),
)
"""In this order: an entity may stand for a space, and bytes are repaired before characters are composed."""


class Step(NamedTuple):
    """What one rule made of a text."""

    before: str
    after: str
    rule: Rule


def tidy(text: str) -> tuple[str, list[Step]]:
    """A text in its one form, and the rules that changed it.

    >>> tidy("R&amp;B  hits")[0]
    'R&B hits'
    """
    steps = []
    for rule, change in RULES:
        after = change(text)
        if after != text:
            steps.append(Step(text, after, rule))
        text = after
    return text, steps


def folded(name: str) -> str:
    """What stays of a name when case, accents, punctuation and spaces are dropped: `Beyoncé` and `BEYONCE` are one.

    >>> folded("Beyoncé"), folded("G-Unit"), folded("!!!")
    ('beyonce', 'gunit', '!!!')
    """
    letters = "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if char.isalnum())
    return letters or name.casefold()
