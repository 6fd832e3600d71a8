"""Which partition holds what: how a client finds a user's or a track's key."""

from __future__ import annotations

from aiokafka.partitioner import murmur2

from console.redis_door import State
from infra.settings import Settings
from streams.ids import id_hash, track_partition


def user_partition(user_id: str, n_partitions: int) -> int:
    """Where Kafka's default partitioner puts this user's events: murmur2 of the raw UTF-8 bytes, sign bit dropped.

    >>> user_partition("ana", 8)
    2
    """
    return int((murmur2(user_id.encode()) & 0x7FFFFFFF) % n_partitions)


def user_key(state: State, user_id: str) -> str:
    """The user's Redis key."""
    return state.keys.user(user_partition(user_id, state.settings.events_partitions), user_id)


def track_key(state: State, track_id: str) -> str:
    """The track's Redis key."""
    return state.keys.track(partition_of_track(state.settings, track_id), track_id)


def partition_of_track(settings: Settings, track_id: str) -> int:
    """Which deltas partition owns the track's row."""
    return track_partition(id_hash(track_id, settings.id_key.encode()), settings.deltas_partitions)
