"""Where the rows of tracks, artists and albums stand in Redis."""

from __future__ import annotations

from infra.keys import Keys
from online_models.items import OF_ALBUM, OF_ARTIST


def row_key(keys: Keys, whose: int, partition: int, name: str) -> str:
    """Key of a row of a tracks' partition; `name` is a track's id, or the hash of an artist or an album as 16 hex digits."""
    if whose == OF_ALBUM:
        return keys.album(partition, name)
    return keys.artist(partition, name) if whose == OF_ARTIST else keys.track(partition, name)
