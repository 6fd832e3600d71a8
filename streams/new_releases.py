"""The new releases that lists may explore, as the models worker keeps them.

What is read may be some seconds old, as with the popular tracks: lists depend on it, and no state does.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from infra.keys import Keys
from infra.settings import Settings
from online_models.clusters.newest import New
from online_models.clusters.served import Served, went
from online_models.micro_genres import NOWHERE
from online_models.releases import NO_RELEASES, RELEASES_MAX, Releases
from streams.artists import artist_hash
from streams.ids import id_hash, track_partition
from streams.micro_genres import ServedMicroGenres
from streams.names import Names
from streams.ports import Store

PLAYS_MAX: Final = 100
"""A track that was played more often is nothing new: by then it has neighbours, and sources propose it."""


class _About(msgspec.Struct):
    """What is read of what was learned of a track."""

    plays: int = 0


class NewReleases:
    """Keeps those of what was read last.

    Parameters
    ----------
    names: of the worker; what is new becomes known by name.
    genres: who reads them.
    """

    def __init__(self, settings: Settings, store: Store, names: Names, genres: ServedMicroGenres) -> None:
        self._settings, self._store, self._names, self._genres = settings, store, names, genres
        self._keys = Keys(settings.namespace)
        self._held: dict[int, list[New]] = {}
        """By micro-genre, newest first: those that hardly anybody played."""
        self._row = NO_RELEASES.row
        self._track = NO_RELEASES.track
        self._learned_at = -1
        """How often the names had been forgotten when these were learned."""

    async def current(self, *, is_read: bool) -> Releases:
        """As of the last reading, which was just now where `is_read`; every name in it is known afterwards."""
        if is_read and self._settings.new_releases:
            await self._read(self._genres.served)
        if not len(self._track):
            return NO_RELEASES
        if self._learned_at != self._names.n_cleared:
            self._learn()
        return Releases(self._genres.current(), self._row, self._track)

    async def _read(self, served: Served | None) -> None:
        if served is None:
            self._track = NO_RELEASES.track
            return
        plays = await self._plays([new.track_id for held in served.newest.values() for new in held])
        kept = {cluster: [new for new in held[::-1] if plays[new.track_id] <= PLAYS_MAX] for cluster, held in served.newest.items()}
        self._held = {cluster: held for cluster, held in kept.items() if held}
        self._place(served)
        self._learn()

    async def _plays(self, track_ids: list[str]) -> dict[str, int]:
        key, n = self._settings.id_key.encode(), self._settings.deltas_partitions
        keys = [self._keys.track(track_partition(id_hash(track, key), n), track) for track in track_ids]
        abouts = await self._store.read([(key, "about") for key in keys]) if keys else []
        told = (msgspec.json.decode(about, type=_About).plays if about else 0 for about in abouts)
        return dict(zip(track_ids, told, strict=True))

    def _place(self, served: Served) -> None:
        """Rows of micro-genres; ids that are gone lead to the row of the one they went to."""
        row_of, merged = {cluster: row for row, cluster in enumerate(self._held)}, dict(served.merged)
        ids = [cluster.id for cluster in served.clusters] + [gone for gone, _ in served.merged] + list(self._held)
        self._row = np.full(max(ids, default=-1) + 1, NOWHERE, np.int32)
        for cluster in ids:
            self._row[cluster] = row_of.get(went(cluster, merged), NOWHERE)

    def _learn(self) -> None:
        """Their ids become names, and their artists those that the catalogue says."""
        self._learned_at = self._names.n_cleared
        self._track = np.zeros((len(self._held), RELEASES_MAX), np.int64)
        key = self._settings.id_key.encode()
        for row, held in enumerate(self._held.values()):
            tracks = self._names.hashes([new.track_id for new in held])
            self._names.note_artists_of_new(tracks, [artist_hash(new.artist, key) for new in held])
            self._track[row, : len(tracks)] = tracks
