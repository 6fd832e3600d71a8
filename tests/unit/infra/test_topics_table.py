"""The table of topics under given settings."""

from __future__ import annotations

from infra.settings import Settings
from infra.topics import DAY_MS, HOUR_MS, table


def topics(**settings: int) -> dict[str, tuple[int, dict[str, str]]]:
    built = Settings.from_env({f"SEGUE_{name.upper()}": str(value) for name, value in settings.items()})
    return {topic.suffix: (topic.partitions, dict(topic.config)) for topic in table(built)}


def test_what_shares_a_partition_number_with_events_has_as_many_partitions() -> None:
    found = topics(events_partitions=24)
    assert {found[name][0] for name in ("events", "recommendations", "dead-letters", "answers")} == {24}


def test_internal_topics_outlive_the_events_they_come_from() -> None:
    found = topics(events_retention_h=48)
    assert found["events"][1]["retention.ms"] == str(48 * HOUR_MS)
    for name in ("internal.track-deltas", "internal.lessons"):
        assert found[name][1]["retention.ms"] == str(48 * HOUR_MS + DAY_MS)


def test_a_dead_letter_has_room_for_the_largest_input_and_its_reasons() -> None:
    found = topics()
    assert int(found["dead-letters"][1]["max.message.bytes"]) > int(found["events"][1]["max.message.bytes"]) + 65_536


def test_every_record_carries_the_brokers_time() -> None:
    assert {config["message.timestamp.type"] for _, config in topics().values()} == {"LogAppendTime"}


def test_one_replica_may_be_missing_where_there_are_three() -> None:
    assert {config["min.insync.replicas"] for _, config in topics(kafka_replication=3).values()} == {"2"}
    assert {config["min.insync.replicas"] for _, config in topics(kafka_replication=1).values()} == {"1"}
