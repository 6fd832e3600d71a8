"""What a clean catalogue row says in words: of its title, its album and its lyrics, its tags, its artists, and the language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from online_models.cleaning.text import folded
from online_models.clusters.track import ARTISTS_MAX, WORDS_MAX, track_of, words
from online_models.texts.languages import SMALL, language_of

LYRICS_MAX: Final = 32
"""Words of lyrics, the most frequent: refrains say what a song is about."""
LYRICS_CHARS_MAX: Final = 8_192
"""Beyond, lyrics are cut before they are looked at."""
TAGS_MAX: Final = 16
TAG_CHARS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 512
TOKENS_MAX: Final = 1 + ARTISTS_MAX + TAGS_MAX + WORDS_MAX + LYRICS_MAX


class Text(NamedTuple):
    """One track's words."""

    artists: tuple[str, ...]
    labels: tuple[str, ...]
    """Its tags, as the catalogue writes them."""
    words: tuple[str, ...]
    """Of title and album, then of the lyrics; each once, lower case, without the small ones."""
    language: str
    """ISO 639-1, of the catalogue or of the words; "" = unknown."""
    genre: str
    """Is told of clusters, and never read by them."""

    def tokens(self) -> Iterator[str]:
        """What it shares with other tracks."""
        if self.language:
            yield f"={self.language}"
        yield from (f"@{folded(name)}" for name in self.artists)
        yield from (f"#{folded(tag)}" for tag in self.labels)
        yield from self.words


def text_of(values: Mapping[str, Any], genre: str = "") -> Text:
    """The words of a clean row; absent fields say nothing.

    >>> text = text_of({"title": "La vida (feat. Ana)", "artist": "Ema", "tags": ("latin", "dance"), "lyrics": "Por que no la vida"})
    >>> list(text.tokens())
    ['=es', '@ema', '@ana', '#latin', '#dance', 'vida']
    """
    cut = {name: value[:TEXT_CHARS_MAX] for name in ("title", "artist", "album") if isinstance(value := values.get(name), str)}
    track = track_of(cut)
    lyrics = values.get("lyrics")
    sung = list(words(lyrics[:LYRICS_CHARS_MAX])) if isinstance(lyrics, str) else []
    language = values.get("language")
    told = language if isinstance(language, str) and language else language_of([*track.words, *sung])
    found = dict.fromkeys((*_great(track.words), *_great(word for word, _ in Counter(sung).most_common())[:LYRICS_MAX]))
    tags = values.get("tags")
    labels = dict.fromkeys(str(tag)[:TAG_CHARS_MAX] for tag in tags[:TAGS_MAX]) if isinstance(tags, tuple | list) else ()
    return Text(track.artists, tuple(labels), tuple(found), told[:TAG_CHARS_MAX], genre)


def _great(some: Any) -> tuple[str, ...]:
    return tuple(word for word in some if word not in SMALL)
