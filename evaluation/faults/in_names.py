"""What goes wrong with names that come again and again: artists and genres in other writings, and slips of the keyboard."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from string import ascii_lowercase
from typing import Final

from evaluation.faults.fault import Damage, Kind
from online_models.cleaning.verdicts import Value

GENRES: Final = ("genre", "subgenre")


def typo(value: Value, field: str, chance: Random) -> Damage | None:
    """One letter missing, twice, wrong, or in its neighbour's place."""
    text = str(value)
    places = [k for k, char in enumerate(text) if char.isalpha()]
    if len(places) < 2:
        return None
    k = chance.choice(places)
    wrong = chance.choice(ascii_lowercase)
    swapped = text[:k] + text[k + 1 : k + 2] + text[k] + text[k + 2 :] if text[k + 1 : k + 2].isalpha() else text
    found = chance.choice((text[:k] + text[k + 1 :], text[:k] + text[k] + text[k:], text[:k] + wrong + text[k + 1 :], swapped))
    return Damage(found) if found.casefold() != text.casefold() else None


def letters(value: Value, field: str, chance: Random) -> Damage | None:
    """Other capitals."""
    text = str(value)
    found = chance.choice((text.upper(), text.lower(), text.title(), text.swapcase()))
    return Damage(found) if found != text else None


def without_accents(value: Value, field: str, chance: Random) -> Damage | None:
    found = "".join(char for char in unicodedata.normalize("NFD", str(value)) if not unicodedata.combining(char))
    return Damage(found) if found != value else None


def punctuation(value: Value, field: str, chance: Random) -> Damage | None:
    """Other quotes, dashes and dots than the usual."""
    text = str(value)
    changes = (("'", "’"), ("-", "–"), ("-", " "), (".", ""), ("'", ""), (" ", "_"))
    found = text.replace(*chance.choice(changes))
    return Damage(found) if found != text and re.search(r"\w", found) else None


def conjunction(value: Value, field: str, chance: Random) -> Damage | None:
    text = str(value)
    found = re.sub(r" (?:&|and|\+) ", chance.choice((" & ", " and ", " + ")), text)
    return Damage(found) if found != text else None


def article_last(value: Value, field: str, chance: Random) -> Damage | None:
    """As libraries sort: `Beatles, The`."""
    text = str(value)
    return Damage(f"{text[4:]}, {text[:3]}") if re.fullmatch(r"The [^,]+", text) else None


def list_of_one(value: Value, field: str, chance: Random) -> Damage | None:
    """A list of artists that holds one, itself or as a program prints it."""
    text = str(value)
    printed = (f"['{text}']", f'["{text}"]') if not re.search("['\"\\\\]", text) else ([text],)
    return Damage(chance.choice(([text], *printed)))


def category(value: Value, field: str, chance: Random) -> Damage | None:
    """A category as another catalogue writes it."""
    text = str(value)
    if text.lower() in ("r&b", "rnb"):
        return Damage(chance.choice(("R&B", "rnb", "r n b", "R'n'B", "RnB", "R & B", "r and b", "R n' B", "r'n'b")))
    found = chance.choice(
        (
            text.upper(),
            text.title(),
            text.replace(" ", "-"),
            text.replace(" ", "_"),
            text.replace(" ", ""),
            text.replace("-", " "),
            f"{text}.",
        )
    )
    return Damage(found) if found != text else None


KINDS: Final = (
    Kind("typo in an artist", ("artist",), typo, "close"),
    Kind("typo in a genre", GENRES, typo, "close"),
    Kind("capitals of an artist", ("artist",), letters, "usual"),
    Kind("accents missing", ("artist",), without_accents, "usual", weight=8),
    Kind("punctuation of an artist", ("artist",), punctuation, "usual", weight=4),
    Kind("and of an artist", ("artist",), conjunction, "usual", weight=8),
    Kind("article behind an artist", ("artist",), article_last, weight=4),
    Kind("list of one artist", ("artist",), list_of_one),
    Kind("writing of a genre", GENRES, category, "usual"),
)
