"""Countries and languages by their codes, from whatever they were called: ISO 3166-1 alpha-2 and ISO 639-1."""

from __future__ import annotations

import re
from typing import Final

from online_models.cleaning.bare import only_one
from online_models.cleaning.country_names import COUNTRIES
from online_models.cleaning.language_names import LANGUAGES
from online_models.cleaning.spelling import LETTERS_MIN, Spelling, category_key
from online_models.cleaning.text import folded, tidy
from online_models.cleaning.verdicts import Reading, Reason, Rule

BETWEEN: Final = re.compile(r"[|\n]")
SAINT: Final = re.compile(r"\bst\b\.?", re.IGNORECASE)
ARTICLE: Final = re.compile(r"(?:the|las|los|la|le|el|die)\s+", re.IGNORECASE)
LAST: Final = re.compile(r"^(.+), (.+)$")
"""`Korea, Republic of`: as lists sort."""
CODE_CHARS_MAX: Final = 3
TAG: Final = re.compile(r"([a-zA-Z]{2,3})(?:[-_.@][\w.@-]*)")
"""A language with its region, script or encoding: `pt-BR`, `zh_Hant`, `en_US.UTF-8`."""


class Codes:
    """Code <- names, of one table.

    >>> countries = Codes(COUNTRIES)
    >>> countries.read("DEU").value, countries.read("Korea, Republic of").value, countries.read("Switzerlnd")
    ('DE', 'KR', Reading(value='CH', rule=<Rule.SPELLING: 'spelling'>, reason=None))
    >>> countries.read("Atlantis")
    Reading(value=None, rule=None, reason=<Reason.UNKNOWN_NAME: 'unknown_name'>)
    """

    def __init__(self, table: str, *, tags: bool = False) -> None:
        self._tags = tags
        self._code: dict[str, str] = {}
        self._codes: set[str] = set()
        full: list[str] = []
        for entry in filter(None, (part.strip() for part in BETWEEN.split(table))):
            code, others, names = entry.split(" ", 2)
            self._codes.add(code)
            for name in (code, *others.split(","), *names.split("/")):
                assert self._code.setdefault(_key(name), code) == code, f"{name} is of two"
            full += names.split("/")
        self._spelling = Spelling(full)

    def read(self, value: object) -> Reading:
        """The code of a country or language."""
        value = only_one(value)
        if not isinstance(value, str):
            return Reading(reason=Reason.WRONG_TYPE)
        if value in self._codes:
            return Reading(value)
        name = tidy(value)[0]
        code = self._called(name)
        if code is not None:
            return Reading(code, Rule.ONE_FORM)
        meant = {self._code[key] for form in _forms(name) if len(folded(form)) >= LETTERS_MIN for key in self._spelling.close(form)}
        return Reading(meant.pop(), Rule.SPELLING) if len(meant) == 1 else Reading(reason=Reason.UNKNOWN_NAME)

    def _called(self, name: str) -> str | None:
        code = next(filter(None, (self._code.get(_key(form)) for form in _forms(name))), None)
        tag = TAG.fullmatch(name) if self._tags and code is None else None
        return code if tag is None else self._code.get(tag[1].lower())


def _forms(name: str) -> tuple[str, ...]:
    """A name as it stands, without its article, in the order in which it is said, and with its saint in full."""
    return name, ARTICLE.sub("", name, count=1), LAST.sub(r"\2 \1", name), SAINT.sub("Saint", name)


def _key(name: str) -> str:
    """What writings of a name share; codes are names of no words, and `ET` is not an `and`."""
    return folded(name) if len(name) <= CODE_CHARS_MAX else category_key(name)


COUNTRY: Final = Codes(COUNTRIES)
LANGUAGE: Final = Codes(LANGUAGES, tags=True)
