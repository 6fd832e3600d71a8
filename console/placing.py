"""Where things lie: how a client finds the key of a user or a track."""

from __future__ import annotations

from console.redis_door import State
from console.trouble import Exit, Trouble, a_play
from infra.settings import Settings
from streams.ids import id_hash, track_partition
from streams.partitioner import partition_of


def partition_of_user(settings: Settings, user_id: str) -> int:
    """The events partition of a user: Kafka's default partitioner on the raw UTF-8 id."""
    return partition_of(user_id.encode(), settings.events_partitions)


def partition_of_track(settings: Settings, track_id: str) -> int:
    """The deltas partition that owns the track's row."""
    return track_partition(id_hash(track_id, settings.id_key.encode()), settings.deltas_partitions)


def user_key(state: State, user_id: str) -> str:
    """The user's Redis key."""
    return state.keys.user(partition_of_user(state.settings, user_id), user_id)


def track_key(state: State, track_id: str) -> str:
    """The track's Redis key."""
    return state.keys.track(partition_of_track(state.settings, track_id), track_id)


def require_user(state: State, user_id: str) -> None:
    """Raises Trouble where nobody of that name did anything."""
    key = user_key(state, user_id)
    if not state.fields(key, ["about"]):
        raise Trouble(Exit.FAILURE, f"user {user_id!r} is unknown: there is no {key}", a_play(user_id, "t1"))


def require_track(state: State, track_id: str, user_id: str = "ana") -> None:
    """Raises Trouble where nobody played the track; `user_id` is who may."""
    key = track_key(state, track_id)
    if not state.fields(key, ["about"]):
        raise Trouble(Exit.FAILURE, f"track {track_id!r} is unknown: there is no {key}", a_play(user_id, track_id))
