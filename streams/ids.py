"""Ids as numbers: a keyed 64-bit hash per track, and the partition that a tracks' row lives in.

Rows and deltas carry hashes, never numbers handed out by a shared table, so no partition has to ask
another for one. The key keeps an outsider from building two ids that collide.
"""

from __future__ import annotations

from hashlib import blake2b


def id_hash(track_id: str, key: bytes) -> int:
    """The keyed hash of an id as a signed 64-bit integer; 0 (which means "none" in kernels) becomes 1."""
    digest = blake2b(track_id.encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def track_partition(track_hash: int, n_partitions: int) -> int:
    """Which tracks' partition owns the row: the unsigned hash modulo their number."""
    return (track_hash & 0xFFFFFFFFFFFFFFFF) % n_partitions


def hash_field(track_hash: int) -> str:
    """How a hash is spelled in Redis: 16 hex digits.

    >>> hash_field(-1)
    'ffffffffffffffff'
    """
    return f"{track_hash & 0xFFFFFFFFFFFFFFFF:016x}"


def hash_of_field(field: bytes) -> int:
    """The hash that `hash_field` spelled.

    >>> hash_of_field(hash_field(-1).encode())
    -1
    """
    return int.from_bytes(bytes.fromhex(field.decode()), "big", signed=True)


class HashCollision(Exception):
    """Two track ids share one keyed hash: set another SEGUE_ID_KEY and rebuild (see operations.md)."""
