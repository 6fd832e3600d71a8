"""The rivals by name, simplest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from evaluation.rivals.factors import Factors
from evaluation.rivals.pairs import COVISITS, ITEM_KNN, MARKOV, PairTables
from evaluation.rivals.popularity import HALFLIFE_DAYS, Popularity
from evaluation.rivals.rival import Rival, Task

RIVALS: Final[dict[str, Callable[[Task], Rival]]] = {
    "popularity": Popularity,
    "decayed popularity": partial(Popularity, halflife_days=HALFLIFE_DAYS),
    "markov": partial(PairTables, rule=MARKOV),
    "co-visits": partial(PairTables, rule=COVISITS),
    "item-knn": partial(PairTables, rule=ITEM_KNN),
    "biased mf": Factors,
}
"""Name -> what makes one for a task."""
