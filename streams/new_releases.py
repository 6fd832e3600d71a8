"""The new releases that lists may explore, as the models worker keeps them; and in which micro-genre a played track is.

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
from online_models.clusters.newest import New
from online_models.clusters.served import Placed, Served, went
from online_models.releases import NO_RELEASES, NOWHERE, RELEASES_MAX, Releases
from streams.artists import artist_hash
from streams.ids import id_hash, track_partition
from streams.names import Names
from streams.ports import Store

log = structlog.get_logger("segue.plays")

MODEL: Final = "micro_genres"
STALE_MS: Final = 10_000
PLAYS_MAX: Final = 100
"""A track that was played more often is nothing new: by then it has neighbours, and sources propose it."""


class _About(msgspec.Struct):
    """What is read of what was learned of a track."""

    plays: int = 0


class NewReleases:
    """Reads them, and keeps what was read last.

    Parameters
    ----------
    names: of the worker; what is new becomes known by name.
    """

    def __init__(self, settings: Settings, store: Store, names: Names) -> None:
        self._settings, self._store, self._names = settings, store, names
        self._keys = Keys(settings.namespace)
        self._raw = b""
        self._read_ms = -STALE_MS
        self._held: dict[int, list[New]] = {}
        """By micro-genre, newest first: those that hardly anybody played."""
        self._row = NO_RELEASES.row
        self._track = NO_RELEASES.track
        self._learned_at = -1
        """How often the names had been forgotten when these were learned."""

    async def current(self, now_ms: int) -> Releases:
        """As of the last `STALE_MS`; every name in it is known afterwards."""
        if self._settings.new_releases and now_ms - self._read_ms >= STALE_MS:
            self._read_ms = now_ms
            await self._read()
        if not len(self._track):
            return NO_RELEASES
        if self._learned_at != self._names.n_cleared:
            self._learn()
        return Releases(self._names.cluster, self._row, self._track)

    async def _read(self) -> None:
        raw = (await self._store.text([self._keys.serving(MODEL)]))[0] or b""
        if not raw:
            self._track = NO_RELEASES.track
            return
        try:
            served = msgspec.json.decode(raw, type=Served)
        except msgspec.MsgspecError as error:
            log.error("micro-genres refused", why=str(error))
            return
        if raw != self._raw:
            self._raw = raw
            # A track that was in no micro-genre may be in one by now.
            self._names.forget_clusters()
        plays = await self._plays([new.track_id for held in served.newest.values() for new in held])
        kept = {cluster: [new for new in held[::-1] if plays[new.track_id] <= PLAYS_MAX] for cluster, held in served.newest.items()}
        self._held = {cluster: held for cluster, held in kept.items() if held}
        self._place(served)
        self._learn()

    async def ask(self, tracks: Iterable[int]) -> None:
        """Learn in which micro-genre tracks are that are known by name, where nobody asked yet."""
        if not len(self._track):
            return
        unasked = self._names.without_cluster(list(tracks))
        said = await self._store.text([self._keys.answer(MODEL, name) for _, name in unasked]) if unasked else []
        clusters = [msgspec.json.decode(text, type=Placed).cluster if text else NOWHERE for text in said]
        self._names.note_clusters([track for track, _ in unasked], clusters)

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
