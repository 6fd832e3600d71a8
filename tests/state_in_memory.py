"""The third door over a store in memory, and a catalogue in it as its worker would leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from console.redis_door import State
from infra.fenced import encode
from infra.keys import Keys
from infra.memory_store import MemoryRedis
from infra.settings import Settings
from online_models.answers import encode_answer
from streams.catalogue_intake import TRACKS
from streams.catalogue_rows import ROW_FIELDS, CataloguePartition
from streams.partitioner import partition_of
from tests.events_log import Appended


class MemoryState(State):
    """`State` for what lists and charts read."""

    def __init__(self, settings: Settings, redis: MemoryRedis) -> None:
        self.settings, self.keys, self.redis = settings, Keys(settings.namespace), redis
        self.n_scans = 0
        """How often the whole catalogue was read."""

    def fields(self, key: str, names: Sequence[str]) -> dict[str, bytes]:
        return {name: value for name, value in self.redis.hash(key).items() if name in names}

    def hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        return [dict(self.redis.hash(key)) for key in keys]

    def many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        return [[self.redis.hash(key).get(name) for name in names] for key, names in wanted]

    def texts(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self.redis.string(key) for key in keys]

    def text(self, key: str) -> bytes | None:
        return self.redis.string(key)

    def catalogue_keys(self) -> Iterator[str]:
        self.n_scans += 1
        start = f"{self.settings.namespace}:{{c"
        return (key for key in self.redis.keys() if key.startswith(start) and "}:track:" in key)  # noqa: SIM118  (a method of its own)


def put_catalogue(redis: MemoryRedis, settings: Settings, rows: Iterable[Mapping[str, Any]]) -> None:
    """Clean the rows as the worker does, and write what it writes."""
    keys, parts = Keys(settings.namespace), settings.catalogue_partitions
    logs: dict[int, list[Appended]] = {n: [] for n in range(parts)}
    for row in rows:
        key = str(row["track_id"]).encode()
        n = partition_of(key, parts)
        logs[n].append(Appended(key, msgspec.json.encode(row), offset=len(logs[n]), partition=n, topic=f"{settings.namespace}.tracks"))
    for n, log in logs.items():
        if log:
            begun = {"incarnation": b"00000000", "next": b"0"}
            partition = CataloguePartition(keys, TRACKS, n, "", begun, {}, {}, partition_count=parts, letters_partitions=1)
            call = partition.take(log).call
            redis.write({str(row[0]): dict(zip(ROW_FIELDS, map(encode, row[1:]), strict=True)) for row in call.rows})
            redis.write({partition.cursor: {name: encode(value) for name, value in call.cursor_fields.items()}})


def put_answer(redis: MemoryRedis, settings: Settings, track: str, said: Mapping[str, float]) -> None:
    """What the model `genre` says of a track without a genre."""
    redis.write({Keys(settings.namespace).answer("genre", track): encode_answer(said, 1_000)})
