"""Takes a namespace away that nobody needs any more: the demo's, on services that are not its own."""

from __future__ import annotations

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from console.output import say
from infra.settings import Settings

ASK_S = 15.0
KEYS_AT_ONCE = 1_000


def sweep(settings: Settings) -> None:
    """Delete the namespace's topics and keys; says so when a service does not answer any more."""
    prefix = settings.namespace
    try:
        admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
        names = [name for name in admin.list_topics(timeout=ASK_S).topics if name.startswith(f"{prefix}.")]
        for done in (admin.delete_topics(names, operation_timeout=ASK_S) if names else {}).values():
            done.result()
        client = redis.Redis.from_url(settings.redis, socket_timeout=ASK_S)
        keys = list(client.scan_iter(match=f"{prefix}:*", count=KEYS_AT_ONCE))
        for start in range(0, len(keys), KEYS_AT_ONCE):
            client.unlink(*keys[start : start + KEYS_AT_ONCE])
        client.close()
    except (KafkaException, redis.RedisError) as error:
        say(f"the demo's namespace {prefix} could not be swept: {error}")
