"""A track as the members see it: one vector of scaled features and, where names count, of evidence.

Columns: the features of the table, then per kind of token how often it was seen, then per genre its log-odds by kind and their sum.
A genre that is new only adds columns at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F32
from online_models.cleaning.verdicts import Value
from online_models.genres.evidence import Evidence
from online_models.genres.features import AUDIO_GROUPS, GROUPS, of_groups, read
from online_models.genres.scaling import Scaling
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.tokens import KINDS, Kind, Token, tokens_of


class Sight(NamedTuple):
    """What a model may look at."""

    groups: tuple[str, ...]
    """Of features."""
    kinds: tuple[Kind, ...]
    """Of tokens."""


AUDIO: Final = Sight(AUDIO_GROUPS, ())
"""A recording that nobody has named yet."""
EVERYTHING: Final = Sight(GROUPS, KINDS)


class Seen(NamedTuple):
    """A row, read."""

    features: dict[str, float]
    tokens: list[Token]


class Inputs:
    """The running statistics behind a sight of the tracks."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.features = of_groups(sight.groups)
        self.scaling = Scaling(self.features)
        self.evidence = Evidence(sight.kinds)
        self.n_columns_max = self.n_columns(GENRES_MAX)

    def n_columns(self, n_genres: int) -> int:
        """Columns in use when so many genres are known."""
        return len(self.features) + (self.evidence.n_columns(n_genres) if self.evidence.kinds else 0)

    def names(self, genres: Iterable[str]) -> list[str]:
        """The columns' names, in order."""
        kinds = self.evidence.kinds
        if not kinds:
            return [feature.name for feature in self.features]
        seen = [f"{kind} seen" for kind in kinds]
        return [feature.name for feature in self.features] + seen + [f"{kind}: {genre}" for genre in genres for kind in (*kinds, "all")]

    def look_at(self, values: Mapping[str, Value]) -> Seen:
        """What a clean row shows; numbers that are not usable are as if they were not there."""
        return Seen(read(self.features, values), tokens_of(values, self.evidence.kinds) if self.evidence.kinds else [])

    def transform_one(self, seen: Seen, n_genres: int) -> F32:
        """The columns in use (n_columns(n_genres),). Leaves no trace."""
        x: F32 = np.zeros(self.n_columns(n_genres), np.float32)
        self.scaling.transform_one(seen.features, x)
        if self.evidence.kinds:
            self.evidence.weigh_one(seen.tokens, n_genres, x[len(self.features) :])
        return x

    def learn_one(self, seen: Seen, genre: int) -> None:
        """Take a row into the statistics, and its names into the counts of its genre's number."""
        self.scaling.learn_one(seen.features)
        self.evidence.learn_one(seen.tokens, genre)
