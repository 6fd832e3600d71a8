"""The two Kafka doors as a client sees them: produce events, read topics. Nothing here knows a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ClusterMetadata, OffsetSpec

from console.trouble import Exit, Trouble, kafka_away
from infra.child import port_open
from infra.services import KNOCK_S
from infra.settings import Settings

ASK_S = 10.0
"""How long a question to the broker may take: a first connection to a cold broker takes 1-3 s."""
POLL_S = 0.2

_silent = logging.getLogger("console.kafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Delivered(NamedTuple):
    """Where an acknowledged record lies."""

    partition: int
    offset: int


def _client(settings: Settings) -> dict[str, Any]:
    return {"bootstrap.servers": settings.kafka, "client.id": f"{settings.namespace}-console"}


def knock(settings: Settings) -> None:
    """Says at once what a client would say after 10 s: nobody is there.

    Raises
    ------
    Trouble : no broker accepts connections (exit 4)
    """
    servers = [server.rpartition(":") for server in settings.kafka.split(",")]
    if not any(port_open(host, int(port), KNOCK_S) for host, _, port in servers):
        raise kafka_away(settings.kafka, "nothing accepts connections there")


def metadata(settings: Settings, topic: str | None = None) -> ClusterMetadata:
    """What the brokers say of the cluster (and of `topic`); never creates a topic.

    Raises
    ------
    Trouble : no broker answers within `ASK_S` (exit 4)
    """
    knock(settings)
    admin = AdminClient({**_client(settings), "allow.auto.create.topics": False}, logger=_silent)
    try:
        return admin.list_topics(topic, timeout=ASK_S) if topic else admin.list_topics(timeout=ASK_S)
    except KafkaException as error:
        raise kafka_away(settings.kafka, error.args[0].str()) from error


def n_partitions(settings: Settings, topic: str) -> int:
    """How many partitions `topic` has.

    Raises
    ------
    Trouble : Kafka is away (exit 4), or there is no such topic (exit 1)
    """
    found = metadata(settings, topic).topics.get(topic)
    if found is None or found.error is not None or not found.partitions:
        raise Trouble(Exit.FAILURE, f"topic {topic} does not exist on {settings.kafka}", "segue topics apply")
    return len(found.partitions)


def end_offsets(settings: Settings, topic: str) -> list[int]:
    """The offset behind the last record, per partition.

    Raises
    ------
    Trouble : Kafka is away (exit 4), or there is no such topic (exit 1)
    """
    return _offsets(settings, topic, OffsetSpec.latest())


def first_offsets(settings: Settings, topic: str) -> list[int]:
    """The offset of the oldest record that retention left, per partition. Raises as `end_offsets`."""
    return _offsets(settings, topic, OffsetSpec.earliest())


def _offsets(settings: Settings, topic: str, which: OffsetSpec) -> list[int]:
    asked = {TopicPartition(topic, p): which for p in range(n_partitions(settings, topic))}
    admin = AdminClient(_client(settings), logger=_silent)
    deadline_s = time.monotonic() + ASK_S
    while True:
        try:
            answers = admin.list_offsets(asked, request_timeout=ASK_S)
            found = {at.partition: answer.result().offset for at, answer in answers.items()}
            return [found[p] for p in range(len(found))]
        except KafkaException as error:
            # A topic that was created a moment ago has no leader that knows of its duty yet.
            if time.monotonic() > deadline_s:
                raise kafka_away(settings.kafka, error.args[0].str()) from error
            time.sleep(POLL_S)


def group_members(settings: Settings, group: str) -> int:
    """How many processes are in a consumer group; 0 for a group that does not exist.

    Raises
    ------
    Trouble : the broker does not answer (exit 4)
    """
    admin = AdminClient(_client(settings), logger=_silent)
    try:
        return len(admin.describe_consumer_groups([group], request_timeout=ASK_S)[group].result().members)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return 0
        raise kafka_away(settings.kafka, error.args[0].str()) from error


def records(
    settings: Settings,
    topic: str,
    *,
    from_beginning: bool = False,
    last: int = 0,
    follow: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """Records of all partitions as they come; without `follow` it ends at the end of each partition.

    Parameters
    ----------
    last : with > 0, start this many records before the end of each partition
    stop : asked between polls, at least every 0.2 s
    """
    starts = _starts(settings, topic, from_beginning=from_beginning, last=last)
    consumer = _consumer(settings)
    open_partitions = {start.partition for start in starts}
    try:
        consumer.assign(starts)
        while not stop() and (follow or open_partitions):
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition() or 0)
            elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION):
                raise Trouble(Exit.FAILURE, f"topic {topic} is gone", "segue topics apply")
            elif error.code() == KafkaError._ALL_BROKERS_DOWN:
                raise kafka_away(settings.kafka, error.str())
    finally:
        consumer.close()


def _starts(settings: Settings, topic: str, *, from_beginning: bool, last: int) -> list[TopicPartition]:
    """The ends are read now: a record that is appended a moment later is not missed."""
    if from_beginning:
        return [TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(n_partitions(settings, topic))]
    return [TopicPartition(topic, p, max(end - last, 0)) for p, end in enumerate(end_offsets(settings, topic))]


class Follower:
    """Everything that is appended to `topic` from now on, in batches."""

    BATCH_MAX = 500

    def __init__(self, settings: Settings, topic: str) -> None:
        self._consumer = _consumer(settings)
        self._consumer.assign(_starts(settings, topic, from_beginning=False, last=0))

    def take(self, wait_s: float) -> list[Message]:
        """What is there, at most `BATCH_MAX` records, after at most `wait_s`."""
        return [message for message in self._consumer.consume(self.BATCH_MAX, wait_s) if message.error() is None]

    def close(self) -> None:
        self._consumer.close()


def _consumer(settings: Settings) -> Consumer:
    """Never joins its group: partitions are assigned by hand, so that looking disturbs nobody."""
    options = {
        **_client(settings),
        "group.id": f"{settings.namespace}.console",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "fetch.wait.max.ms": 20,
    }
    return Consumer(options, logger=_silent)


class Sender:
    """Produces events the way every producer should: keyed by the raw user id, placed by murmur2.

    Not a mere convenience: librdkafka's own default places by CRC32, and a record on the wrong
    partition is a dead letter.
    """

    QUEUE_MAX = 100_000

    def __init__(self, settings: Settings, *, linger_ms: int = 5) -> None:
        self.settings = settings
        self.n_acknowledged = 0
        self._failed: KafkaError | None = None
        options = {
            **_client(settings),
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "compression.type": "lz4",
            "queue.buffering.max.messages": self.QUEUE_MAX,
            "message.timeout.ms": 60_000,
            "allow.auto.create.topics": False,
        }
        self._producer = Producer(options, logger=_silent)

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        then: Callable[[Delivered], None] | None = None,
    ) -> None:
        """Queue one record; waits while the queue is full. `then` is called from `poll` or `flush`.

        Raises
        ------
        Trouble : an earlier record could not be delivered
        """

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failed = error
                return
            self.n_acknowledged += 1
            if then is not None:
                then(Delivered(message.partition() or 0, message.offset() or 0))

        while True:
            self._check()
            try:
                self._producer.produce(topic, value, key, on_delivery=delivered, headers=list(headers))
            except BufferError:
                self._producer.poll(POLL_S)
            else:
                break
        self._producer.poll(0)

    def poll(self, wait_s: float = 0.0) -> None:
        """Serve acknowledgements."""
        self._producer.poll(wait_s)
        self._check()

    def flush(self, wait_s: float = 60.0) -> None:
        """Wait until every record is acknowledged.

        Raises
        ------
        Trouble : one was not, within `wait_s`
        """
        left = self._producer.flush(wait_s)
        self._check()
        if left:
            raise kafka_away(self.settings.kafka, f"{left} records not acknowledged within {wait_s:.0f} s")

    def drop(self) -> None:
        """Forget what is not acknowledged yet, so that an interrupted command ends at once."""
        self._producer.purge()

    def _check(self) -> None:
        if self._failed is None:
            return
        error, code = self._failed, self._failed.code()
        if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise Trouble(Exit.FAILURE, f"the topic does not exist on {self.settings.kafka}", "segue topics apply")
        if code == KafkaError.MSG_SIZE_TOO_LARGE:
            raise Trouble(Exit.INVALID, f"the broker refuses a record of this size: {error.str()}", "segue send --help")
        raise kafka_away(self.settings.kafka, error.str())
