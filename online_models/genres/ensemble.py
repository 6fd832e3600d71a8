"""The declared members, and what they say together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F32, F64
from online_models.genres.bayes import EvidenceBayes, GaussianBayes
from online_models.genres.boosting import Boosting
from online_models.genres.forest import Forest
from online_models.genres.inputs import Inputs
from online_models.genres.linear import Linear
from online_models.genres.members import Arrays, Member
from online_models.genres.memory import Memory
from online_models.genres.net import Net
from online_models.genres.stack import Stack

KNOWN_WELL: Final = 0.7
"""Of the column that says how often the artists were seen: four times or more."""


class Entry(NamedTuple):
    """One member; `needs_names` = it has nothing to say where names are out of sight."""

    name: str
    make: Callable[[Inputs, Memory], Member]
    needs_names: bool = False


MEMBERS: Final[tuple[Entry, ...]] = (
    Entry("naive_bayes", lambda inputs, memory: GaussianBayes(len(inputs.features))),
    Entry("evidence", lambda inputs, memory: EvidenceBayes(len(inputs.features), len(inputs.evidence.kinds)), needs_names=True),
    Entry("linear", lambda inputs, memory: Linear(inputs.n_columns_max)),
    Entry("net", lambda inputs, memory: Net(memory)),
    Entry("boosting", lambda inputs, memory: Boosting(memory)),
    Entry("forest", lambda inputs, memory: Forest(memory)),
)
"""To add one, add an entry; its trust begins equal and is learned."""


class Ensemble:
    """All members over one memory, and the stack above them."""

    def __init__(self, inputs: Inputs) -> None:
        chosen = [entry for entry in MEMBERS if inputs.evidence.kinds or not entry.needs_names]
        self.memory = Memory(inputs.n_columns_max)
        self.members = {entry.name: entry.make(inputs, self.memory) for entry in chosen}
        self.stack = Stack(len(self.members))
        self._artists_seen = len(inputs.features) if "artist" in inputs.evidence.kinds else None

    def learn_one(self, x: F32, y: int, n_genres: int, said: F64) -> None:
        """Learn that the columns in use `x` were of genre `y`, where `say_one` had given `said`."""
        self.stack.learn_one(said, self._situation(x), y, n_genres)
        self.memory.add(x, y)
        for member in self.members.values():
            member.learn_one(x, y, n_genres)

    def say_one(self, x: F32, n_genres: int) -> tuple[F64, F64]:
        """(members, genres) probabilities of each, and (genres,) of the ensemble; leaves no trace."""
        said, p = np.empty((len(self.members), n_genres)), np.empty(n_genres)
        for row, member in zip(said, self.members.values(), strict=True):
            member.say_one(x, n_genres, row)
        self.stack.say_one(said, self._situation(x), n_genres, p)
        return said, p

    def _situation(self, x: F32) -> int:
        if self._artists_seen is None:
            return 0
        seen = float(x[self._artists_seen])
        return 0 if seen == 0.0 else 1 if seen < KNOWN_WELL else 2

    def arrays(self) -> dict[str, Arrays]:
        """All state but the memory's, by part and name."""
        return {"stack": self.stack.arrays(), **{name: member.arrays() for name, member in self.members.items()}}

    def is_sound(self) -> bool:
        """Whether restored arrays can be used."""
        return all(member.is_sound() for member in self.members.values())
