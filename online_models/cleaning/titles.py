"""A title taken apart: the song's name, who is featured, and which version it is.

Spotify, Apple and MusicBrainz write the same in three ways: `Song (feat. X) - Live`, `Song [Live] (with X)`, `Song feat. X (Live)`.
The title itself is kept as it came; the parts are evidence for models and tell recordings apart.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from online_models.cleaning.text import folded

Kind = Literal["", "remaster", "live", "remix", "acoustic", "edit", "instrumental", "demo", "cover", "other"]

_WORDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("live", r"live|unplugged|en vivo|ao vivo|en directo|концерт|вживую"),
    ("remix", r"remix(?:ed)?|rmx|mix|bootleg|rework|re-?edit|mash-?up|dub|vip|flip|ремикс|микс"),
    ("acoustic", r"acoustic|acústic[oa]|stripped|piano version|акустика|акустическая"),
    ("instrumental", r"instrumental|karaoke|минус|караоке"),
    ("demo", r"demo|rehearsal|outtake|alternate take|демо"),
    ("cover", r"cover|tribute|кавер"),
    ("edit", r"edit|radio|single version|album version|extended|short version|edited|clean|explicit"),
    ("remaster", r"re-?master(?:ed|izado|izada)?|mono|stereo|digital(?:ly)? re-?mastered|anniversary|ремастер"),
    (
        "other",
        r"version|versión|versão|take|sessions?|soundtrack|from|bonus track|interlude|reprise|theme|sped up|slowed|a cappella|original|"
        r"deluxe|edition|версия|вариант",
    ),
)
_UNSPACED: Final[dict[Kind, str]] = {
    "live": "ライブ|ライヴ|라이브|现场|現場|演唱会|演唱會",
    "remix": "リミックス|리믹스|混音",
    "acoustic": "アコースティック|어쿠스틱|不插电",
    "instrumental": "インスト|カラオケ|伴奏|반주",
    "demo": "デモ|데모",
    "cover": "カバー|커버|翻唱",
    "remaster": "リマスター|리마스터|重制|重製",
    "other": "バージョン|ヴァージョン|버전|版$",
}
"""Words of scripts that put no spaces between them."""
KINDS: Final = tuple(
    (kind, re.compile(rf"\b(?:{words})\b" + (f"|{_UNSPACED[kind]}" if kind in _UNSPACED else ""), re.IGNORECASE)) for kind, words in _WORDS
)
"""In this order: a live mix of a remaster is live."""

_FEAT: Final = r"(?:(?:feat(?:uring)?|ft|при участии)\b[.,]?|フィーチャリング|피처링)"
FEATURED: Final = re.compile(rf"{_FEAT}\s*(.+)", re.IGNORECASE)
WITH: Final = re.compile(r"(?:with|w/|con|avec|с)\s+(.+)", re.IGNORECASE)
"""Only in brackets: `Dance with Me` is a name."""
BRACKETED: Final = re.compile(r"\s*(?:\(((?:[^()]|\([^()]*\))+)\)|\[([^\[\]]+)\]|（([^（）]+)）|【([^【】]+)】)")
AT_END: Final = re.compile(
    r"\b(?:version|versión|versão|soundtrack|bonus track|interlude|reprise|sessions?|a cappella|cover|deluxe|edition|версия|кавер)$"
    r"|(?:バージョン|ヴァージョン|버전|版|カバー|커버|翻唱)$",
    re.IGNORECASE,
)
"""Of the words that may mean anything, those that name a version where they end a bracket: `(Deep Cover 98)` is a name."""
DATED: Final = re.compile(r"(?:[\w.,/]+ ){0,3}(?:1[89]|20)\d\d", re.IGNORECASE)
"""`1999`, `December 2006`: says more of a version that stands beside it."""
DASHED: Final = re.compile(r"\s+[-–—]\s+")
OPEN_FEATURED: Final = re.compile(r"\s+(?:feat(?:uring)?\b\.?|ft\.)\s+(.+)$", re.IGNORECASE)
FILE_ENDING: Final = re.compile(r"(?<=\S)\.(?:mp3|flac|m4a|wav|ogg|opus|aac|wma|aiff?)$", re.IGNORECASE)
PLACE: Final = re.compile(r"^(?:0\d|[1-9]\d)\s*(?:[.)]\s*|-\s+)(?=\S)")
"""The place on a disc before the name, of two digits as rippers write it."""
GUESTS: Final = re.compile(rf"(.*\S)\s+[(\[]?{_FEAT}\s*([^)\]]+)[)\]]?", re.IGNORECASE)
BETWEEN: Final = re.compile(r"\s*[,;/]\s*(?:&|and\b)?\s*|\s+(?:&|and|x|y|e|et|und)\s+", re.IGNORECASE)


class Title(NamedTuple):
    """The parts of a title."""

    name: str
    """Never empty where the title is not."""
    featured: tuple[str, ...] = ()
    version: str = ""
    """As it was written, several joined by `; `."""
    kind: Kind = ""


class Credit(NamedTuple):
    """Who made a recording, and who else is heard."""

    name: str
    featured: tuple[str, ...] = ()


def credited(artist: str) -> Credit:
    """The parts of a tidy artist's name.

    >>> credited("Big Moe featuring Z-Ro & E.S.G."), credited("Little Feat"), credited("Sech (feat. Ozuna)").name
    (Credit(name='Big Moe', featured=('Z-Ro', 'E.S.G.')), Credit(name='Little Feat', featured=()), 'Sech')
    """
    found = GUESTS.fullmatch(artist)
    return Credit(artist) if found is None else Credit(found[1], tuple(_names(found[2])))


def take_apart(title: str, artist: str = "") -> Title:
    """The parts of a tidy title; `artist` may stand before the name.

    >>> take_apart("I Don't Care (with Justin Bieber) - Loud Luxury Remix")
    Title(name="I Don't Care", featured=('Justin Bieber',), version='Loud Luxury Remix', kind='remix')
    >>> take_apart("Come Together - Remastered 2009").kind, take_apart("(I Can't Get No) Satisfaction").name
    ('remaster', "(I Can't Get No) Satisfaction")
    >>> take_apart("Queen - Innuendo", "Queen").name, take_apart("03. Innuendo.mp3").name, take_apart("Eve - Live", "Eve").name
    ('Innuendo', 'Innuendo', 'Eve')
    """
    featured: list[str] = []
    versions: list[str] = []

    def bracket(found: re.Match[str]) -> str:
        inside = next(filter(None, found.groups())).strip()
        return "" if _is_part(inside, featured, versions, in_brackets=True) else found[0]

    head, *tails = DASHED.split(PLACE.sub("", FILE_ENDING.sub("", title), count=1))
    if artist and tails and folded(head) == folded(artist) and not _is_part(tails[0], [], [], in_brackets=True):
        head, *tails = tails
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
