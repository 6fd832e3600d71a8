"""Producing the plays of a crowd, and how much of the log each side has handled and sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Producer
from kafka.admin import KafkaAdminClient

from benchmarks.crowd import Play
from console.trouble import kafka_away
from infra.settings import Settings

FULL_S: Final = 0.05
FLUSH_S: Final = 120.0


def producer(settings: Settings, **options: Any) -> Producer:
    """As every producer of events should be set."""
    return Producer(
        {
            "bootstrap.servers": settings.kafka,
            "client.id": f"{settings.namespace}-bench",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "queue.buffering.max.messages": 200_000,
            **options,
        }
    )


def produce(settings: Settings, plays: Iterable[Play]) -> None:
    """Append plays to the events topic at full speed; returns when all are acknowledged.

    Raises
    ------
    Trouble : Kafka does not take them (exit 4)
    """
    out = producer(settings, **{"linger.ms": 20})
    topic = f"{settings.namespace}.events"
    for play in plays:
        while True:
            try:
                out.produce(topic, play.value, play.key)
            except BufferError:
                out.poll(FULL_S)
            else:
                break
        out.poll(0)
    left = out.flush(FLUSH_S)
    if left:
        raise kafka_away(settings.kafka, f"{left} plays not acknowledged within {FLUSH_S:.0f} s")


def log_bytes(settings: Settings) -> dict[str, int]:
    """Bytes on disk of each of the namespace's topics, by its name without the namespace: as they were sent, compressed."""
    client: Any = KafkaAdminClient(bootstrap_servers=settings.kafka, client_id=f"{settings.namespace}-bench")
    try:
        found = client.describe_log_dirs()
    finally:
        client.close()
    sizes: Counter[str] = Counter()
    prefix = f"{settings.namespace}."
    for topic in (topic for broker in found for folder in broker["log_dirs"] for topic in folder["topics"]):
        if topic["name"].startswith(prefix):
            sizes[topic["name"].removeprefix(prefix)] += sum(partition["partition_size"] for partition in topic["partitions"])
    return dict(sizes)


def less(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """How much each grew."""
    return {name: size - before.get(name, 0) for name, size in after.items()}
