"""A user's lists inside a genre or a mood: a fresh ranking's candidates that are inside, and then the chart of what is inside.

Never in it: what the user disliked or blocked, as of their last play; in `discover` also nothing that they ever played.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from console.charts import Charted
from console.labels import Label, Labels, Within
from online_models import history
from online_models.signals import POPULAR_SOURCE, SOURCES
from streams.absences import DISCOVER, chances, is_hidden
from streams.reasons import causes_of, source_of
from streams.small_ranking import Ranked, SmallRanking


class ListsWithin:
    """Lists of the world's user; the world's rows are as they were when `found` was ranked.

    Parameters
    ----------
    found: a ranking of all that the ranker proposes.
    chart: what is inside, the most popular first; read as far as entries are missing.
    """

    def __init__(self, world: SmallRanking, found: Ranked, labels: Labels, within: Within, chart: Iterable[Charted]) -> None:
        self._world, self._found = world, found
        self._read, self._rest = list[Charted](), iter(chart)
        world.put_back()
        named = [(i, name) for i in np.flatnonzero(found.chance).tolist() if (name := world.names.id(int(found.key[i]))) is not None]
        known = labels.of([name for _, name in named])
        self._candidates = [(i, name, known[name]) for i, name in named if within.holds(known[name])]

    def entries(self, name: str, n: int) -> list[dict[str, Any]]:
        """At most `n` entries of the list `name`, best first; `filled` are those of the chart, to which the ranker gives no chance."""
        chance = chances(self._found, name)
        free = [one for one in self._candidates if self._is_free(int(self._found.key[one[0]]), name)]
        ranked = sorted(free, key=lambda one: -chance[one[0]])[:n]
        entries = [self._ranked(i, track, label, float(chance[i])) for i, track, label in ranked]
        missing = n - len(entries)
        return entries + list(islice(self._filling({track for _, track, _ in ranked}, name), missing))

    def _is_free(self, key: int, name: str) -> bool:
        if is_hidden(self._world, key):
            return False
        return name != DISCOVER or not history.has_played(self._world.users.arrays, self._world.slot, key)

    def _ranked(self, i: int, track: str, label: Label, chance: float) -> dict[str, Any]:
        because = [self._world.names.id(cause) for cause in causes_of(self._found, i)]
        return {
            "track_id": track,
            "score": chance,
            "source": SOURCES[source_of(self._found, i)],
            "because": [name for name in because if name is not None],
            "filled": False,
            **label._asdict(),
        }

    def _charted(self) -> Iterator[Charted]:
        """The chart, each place of it read once for both lists."""
        yield from self._read
        for one in self._rest:
            self._read.append(one)
            yield one

    def _filling(self, listed: set[str], name: str) -> Iterator[dict[str, Any]]:
        popular: dict[str, Any] = {"score": 0.0, "source": SOURCES[POPULAR_SOURCE], "because": [], "filled": True}
        for one in self._charted():
            if one.track not in listed and self._is_free(self._world.names.hash(one.track), name):
                yield {"track_id": one.track, **popular, **one.label._asdict()}
