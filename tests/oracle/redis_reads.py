"""Redis, read like any client: hashes in pipelined reads, and all keys of a namespace once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import redis

CHUNK = 400
"""Hashes per pipelined read: 2 MB of lists."""
SCAN_COUNT = 2_000


class Keyspace:
    """Reads one Redis; an absent field is None."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=10.0)

    def __enter__(self) -> Keyspace:
        return self

    def __exit__(self, *exc: object) -> None:
        self._redis.close()

    def hash(self, key: str) -> dict[str, bytes]:
        """All fields of one hash; {} when there is no such key."""
        return {_text(field): value for field, value in self._redis.hgetall(key).items() if isinstance(value, bytes)}

    def text(self, key: str) -> bytes | None:
        """One string."""
        value = self._redis.get(key)
        return value if isinstance(value, bytes) else None

    def fields(self, keys: Sequence[str], *names: str) -> Iterator[list[bytes | None]]:
        """The named fields of each hash, in the order of `keys`."""
        for at in range(0, len(keys), CHUNK):
            pipe = self._redis.pipeline(transaction=False)
            for key in keys[at : at + CHUNK]:
                pipe.hmget(key, list(names))
            yield from pipe.execute()

    def keys(self, pattern: str) -> Iterator[str]:
        """Every key that matches, once or (while Redis rehashes) more often."""
        for key in self._redis.scan_iter(match=pattern, count=SCAN_COUNT):
            yield _text(key)


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
