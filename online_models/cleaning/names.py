"""The names of a row (artists, genres): which was meant, by what was seen, what is declared, and what stands beside it in the row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from online_models.cleaning.fields import Field
from online_models.cleaning.spelling import Beside, Spelling, category_key
from online_models.cleaning.verdicts import Rule, Value
from online_models.cleaning.writings import Artists, Categories, article_first

Declared = Mapping[str, Mapping[str, Iterable[str]]]
"""Field -> its right names -> what else each is called."""


class Meant(NamedTuple):
    """A step from what was written to what was meant."""

    rule: Rule
    name: str


class Names:
    """The names of one field.

    Parameters
    ----------
    declared: right names, however seldom they are seen -> what else each is called.
    """

    def __init__(self, field: Field, declared: Mapping[str, Iterable[str]]) -> None:
        self._spelling = Spelling(declared)
        self._categories = Categories(declared) if field.kind == "category" else None
        self._artists = Artists()
        self._beside = {other: Beside() for other in field.beside}

    def learn_one(self, writing: str, meant: str, row: Mapping[str, Value]) -> None:
        """Take a name as it was written, and what stands beside the one that was meant."""
        self._spelling.learn_one(writing)
        (self._categories or self._artists).learn_one(writing)
        key = category_key(meant)
        for beside, words in self._told(row):
            beside.learn_one(words, key)

    def meant(self, writing: str, row: Mapping[str, Value]) -> Iterator[Meant]:
        """The steps from a tidy writing to the name that was meant; none = it is right, or nobody knows better."""
        told = {key for beside, words in self._told(row) for key in beside.names(words)}
        name = writing
        if self._categories is None:
            name = article_first(name)
            if name != writing:
                yield Meant(Rule.ARTICLE, name)
        close = self._spelling.correct(name, told)
        if close is not None:
            name = close
            yield Meant(Rule.SPELLING, name)
        usual = self._categories.one_form(name) if self._categories else self._artists.one_form(name, is_told=category_key(name) in told)
        if usual != name:
            yield Meant(Rule.ONE_FORM, usual)

    def _told(self, row: Mapping[str, Value]) -> Iterator[tuple[Beside, str]]:
        """What stands in the row beside the name, field by field."""
        for other, beside in self._beside.items():
            words = row.get(other)
            if isinstance(words, str):
                yield beside, words
