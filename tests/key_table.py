"""Holds a running instance to docs/keys.md."""

from __future__ import annotations

from typing import Any

import redis

from infra.keys import pattern_of


def undocumented_keys(client: redis.Redis, namespace: str) -> list[str]:
    """Keys of `namespace` that no row of docs/keys.md describes, or that have another type than it says: "key (type)"."""
    # redis-py types every reply as "bytes or str": Any says that this client does not decode.
    bytes_client: Any = client
    found = []
    for raw in bytes_client.scan_iter(f"{namespace}:*", count=1000):
        key, kind = raw.decode(), bytes_client.type(raw).decode()
        row = pattern_of(key, namespace)
        if row is None or row.kind != kind:
            found.append(f"{key} ({kind})")
    return sorted(found)
