"""The rivals by name, simplest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from evaluation.log import Log
from evaluation.rivals.pairs import COVISITS, ITEM_KNN, MARKOV, PairTables
from evaluation.rivals.popularity import HALFLIFE_DAYS, Popularity
from evaluation.rivals.rival import Rival

RIVALS: Final[dict[str, Callable[[Log, int], Rival]]] = {
    "popularity": Popularity,
    "decayed popularity": partial(Popularity, halflife_days=HALFLIFE_DAYS),
    "markov": partial(PairTables, rule=MARKOV),
    "co-visits": partial(PairTables, rule=COVISITS),
    "item-knn": partial(PairTables, rule=ITEM_KNN, of_users=True),
}
"""Name -> what makes one for a log and the row from which on nothing is learned."""
