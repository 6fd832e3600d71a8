"""The third door: state in Redis, read by its documented keys. This module never writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from console.trouble import redis_away
from infra.keys import Keys
from infra.settings import Settings, without_password

ANSWER_S = 3.0


class State:
    """Reads one namespace.

    Every method raises `Trouble` (exit 4) when Redis cannot be reached or does not answer in time.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self._client = redis.Redis.from_url(
            settings.redis,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
            client_name=f"{settings.namespace}-console",
        )

    def close(self) -> None:
        self._client.close()

    def fields(self, key: str, names: Sequence[str]) -> dict[str, bytes]:
        """The fields of a hash that exist."""
        with self._asking():
            values: Any = self._client.hmget(key, list(names))
        return {name: value for name, value in zip(names, values, strict=True) if value is not None}

    def hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        """Whole hashes, one round trip; {} for a key that is not there."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        with self._asking():
            found: Any = pipeline.execute()
        return [{name.decode(): value for name, value in each.items()} for each in found]

    def text(self, key: str) -> bytes | None:
        """A plain string."""
        with self._asking():
            value: Any = self._client.get(key)
        return value if isinstance(value, bytes) else None

    def document(self, key: str, field: str) -> Any:
        """A JSON field of a hash, decoded; None when it is not there."""
        found = self.fields(key, [field])
        return msgspec.json.decode(found[field]) if field in found else None

    def server(self, section: str) -> dict[str, Any]:
        """A section of INFO."""
        with self._asking():
            found: Any = self._client.info(section)
        return dict(found)

    def time_ms(self) -> float:
        """Redis's own clock, epoch ms."""
        with self._asking():
            seconds, micros = self._client.time()
        return float(seconds * 1_000 + micros / 1_000)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise redis_away(without_password(self.settings.redis), str(error)) from error
