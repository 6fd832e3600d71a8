"""What the names of a track say about its genre: its artists, its album, and words, as tokens to be counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple, get_args

from online_models.cleaning.text import folded
from online_models.cleaning.titles import take_apart
from online_models.cleaning.verdicts import Value

Kind = Literal["artist", "album", "title", "title_word", "album_word", "artist_word"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

WORD: Final = re.compile(r"[^\W_]+")
WORD_CHARS_MAX: Final = 24
NAME_CHARS_MAX: Final = 48
"""Of an artist, an album or a title; longer ones are told apart by their beginnings."""
WORDS_MAX: Final = 12
"""Of one name; more are a list or a joke, and each costs."""
ARTISTS_MAX: Final = 6


class Token(NamedTuple):
    """One thing that was said; `text` alone may be said in several ways."""

    kind: Kind
    text: str


def tokens_of(values: Mapping[str, Value], kinds: Iterable[Kind] = KINDS) -> list[Token]:
    """The tokens of a clean row, each once, in the order of `KINDS`.

    >>> row = {"title": "Happier (with Bastille) - Remix", "artist": "Marshmello", "album": "Happier"}
    >>> [token.text for token in tokens_of(row, ["artist", "title_word", "album_word"])]
    ['marshmello', 'bastille', 'happier', 'happier']
    """
    title, artist, album = (_text(values, name) for name in ("title", "artist", "album"))
    parts = take_apart(title) if title else None
    name, featured = (parts.name, parts.featured) if parts else ("", ())
    found: dict[Kind, Iterable[str]] = {
        "artist": _names((artist, *featured)[:ARTISTS_MAX]),
        "album": _names((album,)),
        "title": _names((name,)),
        "title_word": _words(name),
        "album_word": _words(album),
        "artist_word": _words(artist),
    }
    wanted = frozenset(kinds)
    return [Token(kind, text) for kind in KINDS if kind in wanted for text in dict.fromkeys(found[kind])]


def _text(values: Mapping[str, Value], name: str) -> str:
    value = values.get(name, "")
    return value if isinstance(value, str) else ""


def _names(names: Iterable[str]) -> list[str]:
    return [folded(name)[:NAME_CHARS_MAX] for name in names if name]


def _words(name: str) -> Iterator[str]:
    for n, found in enumerate(WORD.finditer(name.casefold())):
        if n == WORDS_MAX:
            return
        yield found[0][:WORD_CHARS_MAX]
