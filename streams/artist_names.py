"""Who made a track, from the rows of the imported catalogue: topics of plays and their state know tracks by id alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import msgspec

from infra.keys import Keys
from infra.settings import Settings
from streams.artists import plain
from streams.ids import id_hash, track_partition
from streams.partitioner import partition_of
from streams.ports import Store

INDEX_S: Final = 600.0
"""How long the index of artists is believed: to make it reads the whole catalogue, some 20 us per track."""
TRACKS_MAX: Final = 1_000
"""Of one artist, in the order of their ids: those whose plays are looked at."""


class _Row(msgspec.Struct):
    """What is read of a row."""

    artist: str | None = None


class _About(msgspec.Struct):
    """What is read of what was learned of a track."""

    plays: int = 0


_row = msgspec.json.Decoder(_Row).decode
_about = msgspec.json.Decoder(_About).decode


class ArtistNames:
    """The artists of some tracks (`streams.radio.Artists`), read as they are asked for. One per question: rows change."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store, self._keys = settings, store, Keys(settings.namespace)
        self._known: dict[str, str | None] = {}
        self._exist: bool | None = None

    async def know(self, tracks: Iterable[str]) -> None:
        """See `Artists`."""
        new = [track for track in dict.fromkeys(tracks) if track not in self._known]
        if not new or not await self._is_catalogue():
            return
        n = self._settings.catalogue_partitions
        rows = await self._store.read([(self._keys.clean_row("c", partition_of(track.encode(), n), track), "row") for track in new])
        self._known.update(zip(new, map(_artist, rows), strict=True))

    def key(self, track: str) -> str | None:
        """See `Artists`."""
        return self._known.get(track)

    async def _is_catalogue(self) -> bool:
        if self._exist is None:
            cursors = [(self._keys.clean_cursor("c", q), "applied") for q in range(self._settings.catalogue_partitions)]
            self._exist = any(await self._store.read(cursors))
        return self._exist


class ArtistIndex:
    """Every track of an artist. Made when it is first asked for, and anew when it is `INDEX_S` old.

    Raises what reading a damaged row raises.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store, self._keys = settings, store, Keys(settings.namespace)
        self._tracks: dict[str, list[str]] = {}
        self._made_s = -INDEX_S

    async def most_played(self, artist: str, n: int) -> list[str] | None:
        """At most `n` tracks of the artist that somebody played, the most played first; None = the catalogue does not have them."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._made_s >= INDEX_S:
            await self._make()
            self._made_s = now_s
        tracks = self._tracks.get(plain(artist))
        if tracks is None:
            return None
        tracks = sorted(tracks)[:TRACKS_MAX]
        abouts = await self._store.read([(self._key(track), "about") for track in tracks])
        plays = {track: _about(about).plays for track, about in zip(tracks, abouts, strict=True) if about}
        return sorted(plays, key=lambda track: (-plays[track], track))[:n]

    async def _make(self) -> None:
        found: dict[str, dict[str, None]] = {}
        for q in range(self._settings.catalogue_partitions):
            pattern = self._keys.clean_row("c", q, "") + "*"
            async for keys in self._store.scan(self._keys.clean_cursor("c", q), pattern):
                for key, row in zip(keys, await self._store.read([(key, "row") for key in keys]), strict=True):
                    if (artist := _artist(row)) is not None:
                        found.setdefault(artist, {})[unquote(key.rpartition(":")[2])] = None
        self._tracks = {artist: list(tracks) for artist, tracks in found.items()}

    def _key(self, track: str) -> str:
        q = track_partition(id_hash(track, self._settings.id_key.encode()), self._settings.deltas_partitions)
        return self._keys.track(q, track)


def _artist(row: bytes | None) -> str | None:
    name = _row(row).artist if row is not None else None
    return (plain(name) or None) if name is not None else None
