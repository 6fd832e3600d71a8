"""A Redis client for commands: one server or a Cluster, answers within seconds, and nothing repeated behind our back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from console.trouble import redis_away
from infra.cluster_link import is_cluster
from infra.settings import Settings, without_password

ANSWER_S = 3.0
KEYS_AT_ONCE = 1_000


def connect(settings: Settings) -> Any:
    """A client (redis-py's two classes share the commands used here, but no type).

    Raises
    ------
    Trouble : nobody is there (exit 4); a single server is first asked when it is used
    """
    options: dict[str, Any] = {
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        "client_name": f"{settings.namespace}-console",
        "retry": Retry(NoBackoff(), 0),
    }
    with asking(settings):
        if is_cluster(settings.redis):
            return RedisCluster.from_url(settings.redis.replace("+cluster://", "://", 1), **options)
        return redis.Redis.from_url(settings.redis, **options)


@contextmanager
def asking(settings: Settings) -> Iterator[None]:
    """Failures of Redis as `Trouble` (exit 4)."""
    try:
        yield
    except redis.RedisError as error:
        raise redis_away(without_password(settings.redis), str(error)) from error


def one_node(client: Any) -> dict[str, Any]:
    """Options that send a question about the server to any one node of a Cluster."""
    return {"target_nodes": RedisCluster.RANDOM} if isinstance(client, RedisCluster) else {}


def delete_namespace(settings: Settings) -> int:
    """Delete every key of the namespace; returns how many.

    The meta hash goes last: workers that start before the end find meta without cursors, and refuse.
    """
    client = connect(settings)
    meta = f"{settings.namespace}:meta"
    n = 0
    with asking(settings):
        keys = [key for key in client.scan_iter(match=f"{settings.namespace}:*", count=KEYS_AT_ONCE) if key != meta.encode()]
        for start in range(0, len(keys), KEYS_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for key in keys[start : start + KEYS_AT_ONCE]:
                pipeline.unlink(key)
            n += sum(pipeline.execute())
        n += int(client.unlink(meta))
        client.close()
    return n
