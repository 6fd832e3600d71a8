"""The rivals by name, simplest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from evaluation.rivals.factors import Factors
from evaluation.rivals.pairs import COVISITS, MARKOV, PairTables, item_knn
from evaluation.rivals.popularity import Popularity, decayed
from evaluation.rivals.rival import Rival, Task

RIVALS: Final[dict[str, Callable[[Task], Rival]]] = {
    "popularity": Popularity,
    "decayed popularity": decayed,
    "markov": partial(PairTables, rule=MARKOV),
    "co-visits": partial(PairTables, rule=COVISITS),
    "item-knn": item_knn,
    "biased mf": Factors,
}
"""Name -> what makes one for a task."""
