"""A title taken apart: the song's name, who is featured, and which version it is.

Spotify, Apple and MusicBrainz write the same in three ways: `Song (feat. X) - Live`, `Song [Live] (with X)`, `Song feat. X (Live)`.
The title itself is kept as it came; the parts are evidence for models and tell recordings apart.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Kind = Literal["", "remaster", "live", "remix", "acoustic", "edit", "instrumental", "demo", "cover", "other"]

_WORDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("live", r"live|unplugged|en vivo|ao vivo|en directo"),
    ("remix", r"remix(?:ed)?|rmx|mix|bootleg|rework|re-?edit|mash-?up|dub|vip|flip"),
    ("acoustic", r"acoustic|acústic[oa]|stripped|piano version"),
    ("instrumental", r"instrumental|karaoke"),
    ("demo", r"demo|rehearsal|outtake|alternate take"),
    ("cover", r"cover|tribute"),
    ("edit", r"edit|radio|single version|album version|extended|short version|edited|clean|explicit"),
    ("remaster", r"re-?master(?:ed|izado|izada)?|mono|stereo|digital(?:ly)? re-?mastered|anniversary"),
    (
        "other",
        r"version|versión|versão|take|sessions?|soundtrack|from|bonus track|interlude|reprise|theme|sped up|slowed|a cappella|original",
    ),
)
KINDS: Final = tuple((kind, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for kind, words in _WORDS)
"""In this order: a live mix of a remaster is live."""

FEATURED: Final = re.compile(r"(?:feat(?:uring)?|ft)\b\.?\s*(.+)", re.IGNORECASE)
WITH: Final = re.compile(r"(?:with|w/|con|avec)\s+(.+)", re.IGNORECASE)
"""Only in brackets: `Dance with Me` is a name."""
BRACKETED: Final = re.compile(r"\s*(?:\(((?:[^()]|\([^()]*\))+)\)|\[([^\[\]]+)\])")
AT_END: Final = re.compile(
    r"\b(?:version|versión|versão|soundtrack|bonus track|interlude|reprise|sessions?|a cappella|cover)$", re.IGNORECASE
)
"""Of the words that may mean anything, those that name a version where they end a bracket: `(Deep Cover 98)` is a name."""
DATED: Final = re.compile(r"(?:[\w.,/]+ ){0,3}(?:1[89]|20)\d\d", re.IGNORECASE)
"""`1999`, `December 2006`: says more of a version that stands beside it."""
DASHED: Final = re.compile(r"\s+[-–—]\s+")
OPEN_FEATURED: Final = re.compile(r"\s+(?:feat(?:uring)?\b\.?|ft\.)\s+(.+)$", re.IGNORECASE)
BETWEEN: Final = re.compile(r"\s*[,;/]\s*(?:&|and\b)?\s*|\s+(?:&|and|x|y|e|et|und)\s+", re.IGNORECASE)


class Title(NamedTuple):
    """The parts of a title."""

    name: str
    """Never empty where the title is not."""
    featured: tuple[str, ...] = ()
    version: str = ""
    """As it was written, several joined by `; `."""
    kind: Kind = ""


def take_apart(title: str) -> Title:
    """The parts of a tidy title.

    >>> take_apart("I Don't Care (with Justin Bieber) - Loud Luxury Remix")
    Title(name="I Don't Care", featured=('Justin Bieber',), version='Loud Luxury Remix', kind='remix')
    >>> take_apart("Come Together - Remastered 2009").kind, take_apart("(I Can't Get No) Satisfaction").name
    ('remaster', "(I Can't Get No) Satisfaction")
    """
    featured: list[str] = []
    versions: list[str] = []

    def bracket(found: re.Match[str]) -> str:
        return "" if _is_part((found[1] or found[2]).strip(), featured, versions, in_brackets=True) else found[0]

    head, *tails = DASHED.split(title)
    kept = [BRACKETED.sub(bracket, head)]
    dated = any(_kind(tail) for tail in tails)
    for tail in tails:
        rest = BRACKETED.sub(bracket, tail).strip()
        if dated and DATED.fullmatch(rest):
            versions.append(rest)
        elif rest and not _is_part(rest, featured, versions, in_brackets=False):
            kept.append(rest)
    name = " - ".join(kept).strip()
    found = OPEN_FEATURED.search(name)
    if found is not None:
        featured += _names(found[1])
        name = name[: found.start()].strip()
    if not name:
        return Title(title)  # `(Live)` is a name, if it is all there is
    return Title(name, tuple(dict.fromkeys(featured)), "; ".join(versions), _kind("; ".join(versions)))


def _is_part(text: str, featured: list[str], versions: list[str], *, in_brackets: bool) -> bool:
    """Whether `text` says who is featured or which version it is; notes what it says."""
    found = FEATURED.fullmatch(text) or (WITH.fullmatch(text) if in_brackets else None)
    if found is not None:
        featured += _names(found[1])
        return True
    kind = _kind(text)
    if kind and (kind not in ("other", "cover") or not in_brackets or AT_END.search(text)):
        versions.append(text)
        return True
    return False


def _kind(text: str) -> Kind:
    return next((kind for kind, words in KINDS if words.search(text)), "")


def _names(text: str) -> list[str]:
    return [name for name in BETWEEN.split(text.strip()) if name]
