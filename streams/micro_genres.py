"""The micro-genres that are served, and in which of them the tracks are that are known by name.

What is read may be some seconds old, as with the popular tracks: lists depend on it, and no state does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
import structlog

from infra.keys import Keys
from infra.settings import Settings
from online_models.arrays import I32
from online_models.clusters.served import Placed, Served, went
from online_models.micro_genres import NO_MICRO_GENRES, NOWHERE, NUMBERS_MAX, MicroGenres
from streams.names import Names
from streams.ports import Store

log = structlog.get_logger("segue.plays")

MODEL: Final = "micro_genres"
STALE_MS: Final = 10_000
NONE_YET_MS: Final = 1_000
"""So often it is looked for the first ones: somebody has just imported a catalogue and waits for them."""


class ServedMicroGenres:
    """Reads them, and asks where tracks are."""

    def __init__(self, settings: Settings, store: Store, names: Names) -> None:
        self._is_used = settings.taste or settings.new_releases
        self._store, self._names = store, names
        self._keys = Keys(settings.namespace)
        self._raw = b""
        self._read_ms = -STALE_MS
        self.served: Served | None = None
        """What was read last; None = nothing is served."""
        self._micro = self._genre = NO_MICRO_GENRES.micro

    async def renew(self, now_ms: int) -> bool:
        """Read once in `STALE_MS`, or in `NONE_YET_MS`; says whether it did."""
        if not self._is_used or now_ms - self._read_ms < (STALE_MS if len(self._micro) else NONE_YET_MS):
            return False
        self._read_ms = now_ms
        raw = (await self._store.text([self._keys.serving(MODEL)]))[0] or b""
        if raw != self._raw:
            self._raw = raw
            self._take(raw)
        return True

    def _take(self, raw: bytes) -> None:
        try:
            self.served = msgspec.json.decode(raw, type=Served) if raw else None
        except msgspec.MsgspecError as error:
            log.error("micro-genres refused", why=str(error))
            return
        # A track that was in no micro-genre may be in one by now.
        self._names.doubt_clusters()
        self._micro, self._genre = _numbers(self.served)

    async def ask(self, tracks: Iterable[int]) -> int:
        """Learn in which micro-genre tracks are that are known by name, where nobody asked yet; returns how many those were."""
        if self.served is None or not self.served.clusters:
            return 0
        unasked = self._names.without_cluster(list(tracks))
        said = await self._store.text([self._keys.answer(MODEL, name) for _, name in unasked]) if unasked else []
        clusters = [msgspec.json.decode(text, type=Placed).cluster if text else NOWHERE for text in said]
        self._names.note_clusters([track for track, _ in unasked], clusters)
        return len(unasked)

    def current(self) -> MicroGenres:
        """What kernels see; good until the next name."""
        if not len(self._micro):
            return NO_MICRO_GENRES
        return MicroGenres(self._names.keys, self._names.slots, self._names.cluster, self._micro, self._genre)


def _numbers(served: Served | None) -> tuple[I32, I32]:
    """By id of a cluster: number of the micro-genre that it leads to, and of the genre in which that one nests; -1 = none.

    >>> from online_models.clusters.served import Cluster
    >>> rock, pop = (Cluster(id, "", 1, 0.5, genre, {}, [], []) for id, genre in ((1, "rock"), (4, "")))
    >>> [numbers.tolist() for numbers in _numbers(Served("micro_genres", 1, 2, 1, [rock, pop], [(0, 1), (2, 3)]))]
    [[0, 0, -1, -1, 1], [0, 0, -1, -1, -1]]
    """
    if served is None or not served.clusters:
        return NO_MICRO_GENRES.micro, NO_MICRO_GENRES.genre
    merged = dict(served.merged)
    number = {cluster.id: k for k, cluster in enumerate(served.clusters[:NUMBERS_MAX])}
    names = list(dict.fromkeys(cluster.genre for cluster in served.clusters if cluster.genre))[:NUMBERS_MAX]
    genre_of = {cluster.id: names.index(cluster.genre) for cluster in served.clusters if cluster.genre in names}
    ids = [*number, *merged]
    micro, genre = (np.full(max(ids) + 1, NOWHERE, np.int32) for _ in range(2))
    for cluster in ids:
        end = went(cluster, merged)
        micro[cluster], genre[cluster] = number.get(end, NOWHERE), genre_of.get(end, NOWHERE)
    return micro, genre
