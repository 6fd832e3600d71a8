"""Every topic of Segue, declared once, and the commands' way to make a cluster agree with it.

`plan` says what would change, `apply` changes it; a second `apply` finds nothing to do. No topic is created by
accident: brokers and clients have auto-creation off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from infra.settings import Settings

ASK_S = 15.0
"""Patience with one question to the cluster; a first connection to a cold broker takes 1-3 s."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

INPUT_BYTES_MAX = 1_048_588
"""Kafka's own default for a batch. Larger than the contract's limit of an event, so that an oversized event arrives
and becomes a dead letter with its bytes, instead of an error in a producer that nobody reads."""

LETTER_BYTES_MAX = 4 * 1024 * 1024
"""A dead letter is its input and a few headers more."""

INTERNAL_BYTES_MAX = 4 * 1024 * 1024
"""Deltas of a round of 2,000 plays are at most 704 KB and the names of new tracks; the rest is room for larger rounds."""

_silent = logging.getLogger("segue.infra.topics")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class TopicsError(RuntimeError):
    """The cluster cannot be brought to the table; the message says why and what to do."""


class KafkaAway(TopicsError):
    """No broker answers."""


class PartitionsDiffer(TopicsError):
    """A topic has another number of partitions than the settings."""


class Topic(NamedTuple):
    """One declared topic."""

    suffix: str
    """Behind the namespace and a dot."""
    key: str
    partitions: int
    config: Mapping[str, str]
    holds: str

    def name(self, namespace: str) -> str:
        return f"{namespace}.{self.suffix}"


class Change(NamedTuple):
    """One step of a plan."""

    topic: str
    kind: Literal["create", "set"]
    detail: str


def table(settings: Settings) -> tuple[Topic, ...]:
    """What should be there under these settings."""
    events, deltas, keep_ms = settings.events_partitions, settings.deltas_partitions, settings.events_retention_h * HOUR_MS
    in_sync = max(1, settings.kafka_replication - 1)

    def kept(for_ms: int, bytes_max: int = INPUT_BYTES_MAX, cleanup: str = "delete") -> dict[str, str]:
        return {**_common(in_sync, bytes_max), "cleanup.policy": cleanup, "retention.ms": str(for_ms)}

    compacted = {**_common(in_sync, INPUT_BYTES_MAX), "cleanup.policy": "compact"}
    internal = kept(keep_ms + DAY_MS, INTERNAL_BYTES_MAX)
    return (
        Topic("events", "user_id", events, kept(keep_ms), "everything a user does, in one order"),
        Topic("tracks", "track_id", settings.catalogue_partitions, compacted, "catalogue; null = withdrawn"),
        Topic("users", "user_id", events, compacted, "optional attributes of users"),
        Topic("recommendations", "user_id", events, kept(keep_ms, cleanup="compact,delete"), "newest lists of a user; null after an erase"),
        Topic("dead-letters", "the record's", events, kept(keep_ms, LETTER_BYTES_MAX), "refused records: raw bytes, headers, reason"),
        Topic("answers", "user_id", events, kept(DAY_MS), "answers to asked-for lists"),
        Topic("decisions", "model", 1, kept(90 * DAY_MS), "what the models decided"),
        Topic("internal.track-deltas", "none", deltas, internal, "what plays teach tracks (binary)"),
        Topic("internal.lessons", "none", settings.lessons_partitions, internal, "what plays teach models (binary)"),
        Topic("internal.verdicts", "partition-offset", events, compacted, "records that are passed over"),
        Topic("internal.erasures", "keyed hash of user_id-offset", events, compacted, "users who asked to be forgotten"),
    )


def plan(settings: Settings) -> list[Change]:
    """What `apply` would do; [] when the cluster agrees with the table. Raises TopicsError."""
    return _plan(_admin(settings), settings)


def apply(settings: Settings) -> list[Change]:
    """Create what is missing, set what differs; returns what was done. Raises TopicsError.

    Another process may do the same at the same time. What an operator set beyond the table stays.
    """
    admin = _admin(settings)
    changes = _plan(admin, settings)
    wanted = {topic.name(settings.namespace): topic for topic in table(settings)}
    created = [wanted[change.topic] for change in changes if change.kind == "create"]
    if created:
        _create(admin, settings, created)
    altered = dict.fromkeys(change.topic for change in changes if change.kind == "set")
    if altered:
        _alter(admin, {name: wanted[name].config for name in altered})
    if changes:
        _wait_settled(admin, settings)
    return changes


def _common(in_sync: int, bytes_max: int) -> dict[str, str]:
    return {
        # Retention and the judgement of times go by when the broker took the record, not by a producer's clock.
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(in_sync),
        "max.message.bytes": str(bytes_max),
    }


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka, "client.id": f"{settings.namespace}-topics"}, logger=_silent)


def _plan(admin: AdminClient, settings: Settings) -> list[Change]:
    found = _metadata(admin, settings.kafka)
    wanted = {topic.name(settings.namespace): topic for topic in table(settings)}
    there = {name: topic for name, topic in wanted.items() if name in found.topics}
    _check_partitions(there, found)
    changes = [_creation(name, topic) for name, topic in wanted.items() if name not in there]
    for name, config in _configs(admin, there).items():
        for option, value in there[name].config.items():
            if config.get(option) != value:
                changes.append(Change(name, "set", f"{option}: {config.get(option)} -> {value}"))
    return changes


def _creation(name: str, topic: Topic) -> Change:
    return Change(name, "create", f"{topic.partitions} partitions, " + ", ".join(f"{k}={v}" for k, v in topic.config.items()))


def _check_partitions(there: Mapping[str, Topic], found: ClusterMetadata) -> None:
    for name, topic in there.items():
        n_found = len(found.topics[name].partitions)
        if n_found != topic.partitions:
            raise PartitionsDiffer(
                f"topic {name} has {n_found} partitions, the settings say {topic.partitions}: the number is fixed for the life of a "
                f"namespace, because it decides who owns which row; set it back, or start a new namespace (SEGUE_NAMESPACE)"
            )


def _metadata(admin: AdminClient, address: str) -> ClusterMetadata:
    try:
        return admin.list_topics(timeout=ASK_S)
    except KafkaException as error:
        raise KafkaAway(f"no broker answers at {address}: {_text(error)}; is it running, and is SEGUE_KAFKA right?") from error


def _configs(admin: AdminClient, topics: Iterable[str]) -> dict[str, dict[str, str | None]]:
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    if not resources:
        return {}
    answers = admin.describe_configs(resources, request_timeout=ASK_S)
    try:
        return {resource.name: {name: entry.value for name, entry in future.result().items()} for resource, future in answers.items()}
    except KafkaException as error:
        raise TopicsError(f"the cluster does not show topic settings: {_text(error)}; this needs DESCRIBE_CONFIGS on the topics") from error


def _create(admin: AdminClient, settings: Settings, topics: list[Topic]) -> None:
    new = [
        NewTopic(
            topic.name(settings.namespace),
            num_partitions=topic.partitions,
            replication_factor=settings.kafka_replication,
            config=dict(topic.config),
        )
        for topic in topics
    ]
    for name, future in admin.create_topics(new, request_timeout=ASK_S).items():
        try:
            future.result()
        except KafkaException as error:
            # Another process applied the same table between our look and our call.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicsError(
                    f"topic {name} cannot be created: {_text(error)}; this needs CREATE on topics that start with "
                    f"{settings.namespace}. and at least SEGUE_KAFKA_REPLICATION={settings.kafka_replication} brokers"
                ) from error


def _alter(admin: AdminClient, configs: Mapping[str, Mapping[str, str]]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in config.items()],
        )
        for name, config in configs.items()
    ]
    for resource, future in admin.incremental_alter_configs(resources, request_timeout=ASK_S).items():
        try:
            future.result()
        except KafkaException as error:
            raise TopicsError(
                f"settings of topic {resource.name} cannot be changed: {_text(error)}; this needs ALTER_CONFIGS on it"
            ) from error


def _wait_settled(admin: AdminClient, settings: Settings) -> None:
    """A change is known to the controller first; it is done once brokers show it and every partition has a leader."""
    deadline = time.monotonic() + ASK_S
    while time.monotonic() < deadline:
        if not _plan(admin, settings) and _all_led(admin, settings):
            return
        time.sleep(0.05)
    raise TopicsError(f"changed, but the brokers at {settings.kafka} do not show it after {ASK_S:.0f} s; look at their logs")


def _all_led(admin: AdminClient, settings: Settings) -> bool:
    found = admin.list_topics(timeout=ASK_S).topics
    names = (topic.name(settings.namespace) for topic in table(settings))
    return all(partition.leader >= 0 for name in names for partition in found[name].partitions.values())


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
