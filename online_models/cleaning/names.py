"""The names of a row (artists, genres): which was meant, by what was seen, what is declared, and what stands beside it in the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from online_models.cleaning.fields import Field
from online_models.cleaning.spelling import NAMES_MAX, Beside, Spelling, category_key
from online_models.cleaning.text import folded
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
    names_max: names, and words beside them, in memory.
    """

    def __init__(self, field: Field, declared: Mapping[str, Iterable[str]], names_max: int = NAMES_MAX) -> None:
        self._spelling = Spelling(declared, names_max)
        self._categories = Categories(declared, names_max) if field.kind == "category" else None
        self._artists = Artists(names_max)
        self._beside = {other: Beside(names_max) for other in field.beside}

    def learn_one(self, writing: str, meant: str, row: Mapping[str, Value]) -> None:
        """Take a name as it was written, and what stands beside the one that was meant."""
        self._spelling.learn_one(writing)
        self._writings.learn_one(writing)
        key = category_key(meant)
        for beside, words in self._told(row):
            beside.learn_one(words, key)

    def touched(self, writing: str, row: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
        """Places of the evidence that `learn_one` takes in: a name's key under "", what stands beside under that field's name."""
        yield "", category_key(writing)
        for other in self._beside:
            words = row.get(other)
            if isinstance(words, str):
                yield other, folded(words)

    def evidence(self, other: str, key: str) -> Any:
        """What is known at a place, as plain data; None = nothing."""
        if other:
            return self._beside[other].n.get(key)
        name, n = self._spelling.told(key)
        writings = self._writings.n.get(key, Counter())
        return [name, n, writings] if n or writings else None

    def restore(self, other: str, key: str, evidence: Any) -> None:
        """What `evidence` said of a place."""
        if other:
            self._beside[other].n[key] = evidence
            return
        name, n, writings = evidence
        self._spelling.restore(key, name, n)
        if writings:
            self._writings.n[key] = Counter(writings)

    @property
    def _writings(self) -> Categories | Artists:
        return self._categories or self._artists

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
