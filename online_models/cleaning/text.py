"""Text in one form: each rule is a function from text to text, and leaves alone what it is not sure of."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from html.entities import html5
from typing import Final, NamedTuple
from urllib.parse import unquote

from online_models.cleaning.verdicts import Rule

LAYERS_MAX: Final = 3
"""Programs in a row that escaped or misread the same text; more was never met."""
ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
CODE_UNITS: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
BACKSLASHED: Final = re.compile(r"""\\(["'/])""")
PERCENT: Final = re.compile(r"%([0-9a-fA-F]{2})")
BETWEEN_WORDS: Final = re.compile(r"[^\W_]_+[^_]|[^_]_+[^\W_]")
INVISIBLE: Final = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffd]|(?<![^\u0000-\u024f])[\u200c\u200d]"
)
"""Joiners (U+200C, U+200D) go behind Latin letters alone: Persian, Hindi and emoji are written with them."""


def _bytes(encoding: str) -> dict[str, int]:
    """Character -> byte of a one-byte encoding; bytes that it lacks are control characters, as browsers read them."""
    found = {chr(byte): byte for byte in range(0x100)}
    for byte in range(0x80, 0x100):
        try:
            found[bytes((byte,)).decode(encoding)] = byte
        except UnicodeDecodeError:
            continue
    return found


MISREAD: Final = tuple(_bytes(encoding) for encoding in ("cp1252", "cp1251", "cp1250"))
"""Latin-1 is within the first; Cyrillic and Central European systems use the others."""


def entities(text: str) -> str:
    """HTML's names and numbers of characters.

    >>> entities("Simon &amp; Garfunkel"), entities("Don&#39;t"), entities("AT&T"), entities("rock&roll;")
    ('Simon & Garfunkel', "Don't", 'AT&T', 'rock&roll;')
    """
    return ENTITY.sub(_entity, text) if "&" in text else text


def _entity(found: re.Match[str]) -> str:
    return html.unescape(found[0]) if found[0][1] == "#" or found[0][1:] in html5 else found[0]


def escapes(text: str) -> str:
    r"""Escapes of JSON and of addresses that were left in.

    >>> escapes(r"Beyonc\u00e9"), escapes(r"Don\'t"), escapes("Don%27t%20Stop"), escapes("50%50"), escapes("100% Pure")
    ('Beyoncé', "Don't", "Don't Stop", '50%50', '100% Pure')
    """
    if "\\" in text:
        text = BACKSLASHED.sub(r"\1", CODE_UNITS.sub(_code_units, text))
    return _percent(text) if "%" in text else text


def _code_units(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("\\u", "")).decode("utf-16-be")
    except UnicodeDecodeError:  # half of a pair
        return found[0]


def _percent(text: str) -> str:
    """An address has no spaces, escapes every %, and never a letter or a digit."""
    escaped = PERCENT.findall(text)
    if len(escaped) < text.count("%") or " " in text or any(chr(int(it, 16)).isalnum() and int(it, 16) < 0x80 for it in escaped):
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def mojibake(text: str) -> str:
    """UTF-8 that was read as a one-byte encoding, also more than once; changed only where its bytes are valid UTF-8.

    >>> mojibake("BeyoncÃ©"), mojibake("BeyoncГ©"), mojibake("SENTADÃO"), mojibake("Motörhead"), mojibake("Кино")
    ('Beyoncé', 'Beyoncé', 'SENTADÃO', 'Motörhead', 'Кино')
    """
    for _ in range(LAYERS_MAX):
        before, text = text, text if text.isascii() else _reread(text)
        if text == before:
            break
    return text


def _reread(text: str) -> str:
    for encoding in MISREAD:
        try:
            return bytes(encoding[char] for char in text).decode()
        except (KeyError, UnicodeDecodeError):
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
    (Rule.ESCAPE, escapes),
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
    """A text in its one form, and the rules that changed it; what was escaped twice goes through them twice.

    >>> tidy("R&amp;B  hits")[0], tidy("R&amp;amp;B")[0]
    ('R&B hits', 'R&B')
    """
    steps: list[Step] = []
    for _ in range(LAYERS_MAX):
        n_before = len(steps)
        for rule, change in RULES:
            after = change(text)
            if after != text:
                steps.append(Step(text, after, rule))
            text = after
        if len(steps) == n_before:
            break
    return text, steps


def underscores(text: str) -> str:
    """Spaces where a text has none, and underscores between its words; not for names: some artists are called so.

    >>> underscores("Come_Together_(feat._X)"), underscores("A_B C"), underscores("<I°_°I>")
    ('Come Together (feat. X)', 'A_B C', '<I°_°I>')
    """
    return text if " " in text or BETWEEN_WORDS.search(text) is None else " ".join(filter(None, text.split("_")))


@lru_cache(maxsize=1 << 15)
def folded(name: str) -> str:
    """What stays of a name when case, accents, punctuation and spaces are dropped: `Beyoncé` and `BEYONCE` are one.

    >>> folded("Beyoncé"), folded("G-Unit"), folded("!!!")
    ('beyonce', 'gunit', '!!!')
    """
    letters = "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if char.isalnum())
    return letters or name.casefold()
