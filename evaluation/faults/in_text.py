"""What goes wrong with text: encodings, markup, keyboards, and what other programs write into titles."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import codepoint2name
from random import Random
from typing import Final
from urllib.parse import quote

from evaluation.faults.fault import Damage, Kind
from online_models.cleaning.verdicts import Value

TEXTS: Final = ("title", "artist", "album")
NAMES: Final = (*TEXTS, "genre", "subgenre")
INVISIBLE: Final = "\u200b\u200e\u2060\ufeff\u00ad\u202a\u200d\x00\x07\x1f"


def spaces(value: Value, field: str, chance: Random) -> Damage | None:
    text = str(value)
    broken = text.replace(" ", chance.choice(("  ", "\u00a0", "\t", " \n", "\u2003", "\u3000")))
    around = chance.choice((" {}", "{} ", "\t{}", "{}\r\n", "\u00a0{}", "  {}  "))
    return Damage(around.format(text) if broken == text or chance.random() < 0.5 else broken)


def decomposed(value: Value, field: str, chance: Random) -> Damage | None:
    """Accents behind their letters, as file names of a Mac have them."""
    text = unicodedata.normalize("NFD", str(value))
    return Damage(text) if text != value else None


def read_as(text: str, encoding: str) -> str:
    """UTF-8 taken for another encoding, where bytes that it lacks become control characters, as browsers do it."""
    return "".join(_read_byte(byte, encoding) for byte in text.encode())


def _read_byte(byte: int, encoding: str) -> str:
    try:
        return bytes((byte,)).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)


def mojibake(value: Value, field: str, chance: Random) -> Damage | None:
    text = str(value)
    return None if text.isascii() else Damage(read_as(text, chance.choice(("cp1252", "cp1252", "latin-1", "cp1251", "cp1250"))))


def mojibake_twice(value: Value, field: str, chance: Random) -> Damage | None:
    text = str(value)
    return None if text.isascii() else Damage(read_as(read_as(text, "cp1252"), "cp1252"))


def mark_misread(value: Value, field: str, chance: Random) -> Damage | None:
    """A byte order mark that was read as three letters."""
    text = str(value)
    return Damage(f"ï»¿{text}") if text.isascii() else None


def entities(value: Value, field: str, chance: Random) -> Damage | None:
    """HTML that was never unescaped, or escaped twice."""
    text = str(value)
    named = "".join(f"&{codepoint2name[ord(char)]};" if ord(char) in codepoint2name else char for char in text)
    numbered = "".join(char if char.isalnum() and char.isascii() or char == " " else f"&#{ord(char)};" for char in text)
    found = chance.choice((html.escape(text), named, numbered, html.escape(html.escape(text))))
    return Damage(found) if found != text else None


def escapes(value: Value, field: str, chance: Random) -> Damage | None:
    """JSON's or a URL's escapes, left where they were."""
    text = str(value)
    unicode = "".join(char if char.isascii() else f"\\u{ord(char):04x}" for char in text if ord(char) < 0x10000)
    found = chance.choice((unicode, quote(text), text.replace("'", "\\'").replace('"', '\\"')))
    return Damage(found) if found != text and all(ord(char) < 0x10000 for char in text) else None


def invisible(value: Value, field: str, chance: Random) -> Damage | None:
    text = str(value)
    if not text.isascii():
        return None
    place = chance.choice((0, len(text), chance.randrange(len(text) + 1)))
    return Damage(text[:place] + chance.choice(INVISIBLE) + text[place:])


def replaced(value: Value, field: str, chance: Random) -> Damage | None:
    """A letter that an encoding did not have."""
    text = str(value)
    places = [k for k, char in enumerate(text) if not char.isascii()]
    if len(places) != 1:
        return None
    return Damage(text[: places[0]] + chance.choice(("\ufffd", "?")) + text[places[0] + 1 :])


def upper(value: Value, field: str, chance: Random) -> Damage | None:
    """All capitals, or none: a title alone does not say where they belong."""
    found = chance.choice((str(value).upper(), str(value).lower()))
    return Damage(found) if found != value else None


def missing(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(
        chance.choice(
            ("", " ", "N/A", "n/a", "NA", "nan", "NaN", "null", "NULL", "None", "-", "--", "?", "\\N", "<NA>", "#N/A", None, float("nan"))
        )
    )


def missing_name(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(("Unknown Artist", "unknown", "[unknown]", "<unknown>", "Unbekannt", "(null)")))


PLAIN_TITLE: Final = re.compile(r"[^()\[\]–—/-]+")


def plain(value: Value) -> str | None:
    """A title that is a name and nothing else, as far as anybody can tell."""
    text = str(value)
    return text if PLAIN_TITLE.fullmatch(text) and not re.search(r"\b(?:feat|ft|live|remix|mix|version|edit|demo)\b", text, re.I) else None


def version(value: Value, field: str, chance: Random) -> Damage | None:
    """Which recording it is, behind the name."""
    text, year = plain(value), chance.randrange(1990, 2021)
    forms = (
        "{} (Remastered {})", "{} - Remastered {}", "{} - {} Remaster", "{} [{} Remaster]", "{} (Live)", "{} - Live at Wembley Stadium",
        "{} [Live in Paris, {}]", "{} - Radio Edit", "{} (Radio Edit)", "{} (Acoustic)", "{} - Acoustic Version", "{} (Club Remix)",
        "{} - Extended Mix", "{} (Instrumental)", "{} - Single Version", "{} (Album Version)", "{} (Mono)", "{} - Demo",
        "{} (Deluxe Edition)", "{} (Bonus Track)", "{} - {} Remastered Version",
    )  # fmt: skip
    return None if text is None else Damage(chance.choice(forms).format(text, year), clean=text)


def featured(value: Value, field: str, chance: Random) -> Damage | None:
    """Who else is heard, behind the name."""
    text = plain(value)
    guest = chance.choice(("Rihanna", "Pitbull", "Ana Silva", "DJ Oak & Elm", "The Weeknd"))
    forms = (
        "{} (feat. {})",
        "{} feat. {}",
        "{} ft. {}",
        "{} (Featuring {})",
        "{} [feat. {}]",
        "{} - feat. {}",
        "{} (ft {})",
        "{} (with {})",
    )
    return None if text is None else Damage(chance.choice(forms).format(text, guest), clean=text)


def file_name(value: Value, field: str, chance: Random) -> Damage | None:
    text = plain(value)
    return None if text is None else Damage(text + chance.choice((".mp3", ".flac", ".m4a", ".MP3", ".wav")), clean=text)


def numbered(value: Value, field: str, chance: Random) -> Damage | None:
    """The place on the album before the name, as rippers of discs put it."""
    text, place = plain(value), chance.randrange(1, 19)
    forms = ("{:02} - {}", "{:02}. {}", "{:02}) {}", "{:02}.{}")
    return None if text is None or text[0].isdigit() else Damage(chance.choice(forms).format(place, text), clean=text)


def under_artist(value: Value, field: str, chance: Random) -> Damage | None:
    """Who plays before what is played, as videos are called."""
    assert isinstance(value, tuple), "title and artist"
    text, artist = plain(value[0]), value[1]
    return None if text is None else Damage(f"{artist}{chance.choice((' - ', ' – '))}{text}", clean=text)


def underscores(value: Value, field: str, chance: Random) -> Damage | None:
    """Spaces that a file system did not like."""
    text = str(value)
    return Damage(text.replace(" ", "_")) if " " in text and "_" not in text else None


def featured_artist(value: Value, field: str, chance: Random) -> Damage | None:
    """A guest in the artist's field."""
    text = str(value)
    if re.search(r"\b(?:feat|ft|featuring)\b|[,;/&(]", text, re.I):
        return None
    guest = chance.choice(("Rihanna", "Pitbull", "Ana Silva", "DJ Oak & Elm"))
    return Damage(
        chance.choice(("{} feat. {}", "{} ft. {}", "{} featuring {}", "{} (feat. {})", "{} Feat {}")).format(text, guest), clean=text
    )


RARE: Final = 8
"""Few values have a letter that is not ASCII."""
KINDS: Final = (
    Kind("spaces", NAMES, spaces),
    Kind("accents apart", TEXTS, decomposed, weight=RARE),
    Kind("mojibake", TEXTS, mojibake, weight=RARE),
    Kind("mojibake twice", TEXTS, mojibake_twice, weight=RARE),
    Kind("byte order mark misread", NAMES, mark_misread),
    Kind("HTML entities", NAMES, entities, weight=2),
    Kind("escapes", TEXTS, escapes),
    Kind("invisible characters", NAMES, invisible),
    Kind("a letter replaced", TEXTS, replaced, "close", weight=RARE),
    Kind("capitals", ("title", "album"), upper, "row"),
    Kind("missing", ("*",), missing, "row", "merged"),
    Kind("missing by name", TEXTS, missing_name, "row", "merged"),
    Kind("version in a title", ("title",), version, "itself", "name"),
    Kind("guest in a title", ("title",), featured, "itself", "name"),
    Kind("file name for a title", ("title",), file_name, "itself", "name"),
    Kind("artist before a title", ("title",), under_artist, "itself", "name", beside="artist"),
    Kind("number before a title", ("title",), numbered, "itself", "name"),
    Kind("underscores for spaces", ("title", "album"), underscores),
    Kind("guest in an artist", ("artist",), featured_artist, "itself", "credit"),
)
