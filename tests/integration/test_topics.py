"""Topics on a real broker: planned, applied, applied again, and refused where it matters."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from infra import topics
from infra.child import free_port
from infra.settings import Settings


@pytest.fixture
def settings(kafka_address: str, namespace: str) -> Settings:
    return Settings(namespace=namespace, kafka=kafka_address, events_partitions=3, deltas_partitions=2, lessons_partitions=2)


def set_option(settings: Settings, topic: str, name: str, value: str) -> None:
    change = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    admin.incremental_alter_configs([resource])[resource].result()
    deadline = time.monotonic() + 10
    while option(settings, topic, name) != value and time.monotonic() < deadline:
        time.sleep(0.02)


def option(settings: Settings, topic: str, name: str) -> str | None:
    resource, admin = ConfigResource(ResourceType.TOPIC, topic), AdminClient({"bootstrap.servers": settings.kafka})
    answer = admin.describe_configs([resource])[resource].result()
    value = answer[name].value
    return str(value) if value is not None else None


def test_a_second_apply_finds_nothing_to_do(settings: Settings) -> None:
    done = topics.apply(settings)
    assert {change.topic for change in done} == {topic.name(settings.namespace) for topic in topics.table(settings)}
    assert {change.kind for change in done} == {"create"}
    assert topics.plan(settings) == []
    assert topics.apply(settings) == []


def test_topics_have_the_partitions_and_the_settings_of_the_table(settings: Settings) -> None:
    topics.apply(settings)
    found = AdminClient({"bootstrap.servers": settings.kafka}).list_topics().topics
    for topic in topics.table(settings):
        name = topic.name(settings.namespace)
        assert len(found[name].partitions) == topic.partitions, name
        assert option(settings, name, "message.timestamp.type") == "LogAppendTime"
        assert option(settings, name, "cleanup.policy") == topic.config["cleanup.policy"]


def test_a_changed_option_is_planned_and_set_back_and_an_operators_own_stays(settings: Settings) -> None:
    topics.apply(settings)
    events = f"{settings.namespace}.events"
    set_option(settings, events, "retention.ms", "1000")
    set_option(settings, events, "segment.ms", "60000")
    wanted = str(settings.events_retention_h * topics.HOUR_MS)
    assert topics.plan(settings) == [topics.Change(events, "set", f"retention.ms: 1000 -> {wanted}")]
    topics.apply(settings)
    assert option(settings, events, "retention.ms") == wanted
    assert option(settings, events, "segment.ms") == "60000"


def test_two_processes_may_apply_at_once(settings: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(topics.apply, settings) for _ in range(2)]
        for one in both:
            one.result()
    assert topics.plan(settings) == []


def test_another_number_of_partitions_is_refused_by_name(settings: Settings) -> None:
    topics.apply(settings)
    other = msgspec.structs.replace(settings, events_partitions=4)
    with pytest.raises(topics.PartitionsDiffer, match=rf"{settings.namespace}\.events has 3 partitions, the settings say 4"):
        topics.apply(other)


def test_more_replicas_than_brokers_is_an_error_that_says_so(settings: Settings) -> None:
    with pytest.raises(topics.TopicsError, match="cannot be created.*SEGUE_KAFKA_REPLICATION=5"):
        topics.apply(msgspec.structs.replace(settings, kafka_replication=5))


def test_a_broker_that_is_away_is_named(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "ASK_S", 1.0)
    nowhere = f"127.0.0.1:{free_port()}"
    with pytest.raises(topics.KafkaAway, match=nowhere):
        topics.plan(Settings(namespace=namespace, kafka=nowhere))
