"""The third door: state in Redis, read by its documented keys. This module never writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from console.redis_client import asking, connect, one_node
from infra.keys import Keys
from infra.settings import Settings
from online_models.popularity import TOP
from streams.ids import hash_field, id_hash, track_partition
from streams.short_lists import published


class State:
    """Reads one namespace.

    Every method raises `Trouble` (exit 4) when Redis cannot be reached or does not answer in time.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self._client = connect(settings)

    def close(self) -> None:
        self._client.close()

    def fields(self, key: str, names: Sequence[str]) -> dict[str, bytes]:
        """The fields of a hash that exist."""
        with asking(self.settings):
            values: Any = self._client.hmget(key, list(names))
        return {name: value for name, value in zip(names, values, strict=True) if value is not None}

    def hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        """Whole hashes, one round trip; {} for a key that is not there."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        with asking(self.settings):
            found: Any = pipeline.execute()
        return [{name.decode(): value for name, value in each.items()} for each in found]

    def many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        """Fields of many hashes, one round trip; None for what is not there."""
        pipeline = self._client.pipeline(transaction=False)
        for key, names in wanted:
            pipeline.hmget(key, list(names))
        with asking(self.settings):
            found: Any = pipeline.execute()
        return list(found)

    def track_keys(self) -> Iterator[str]:
        """Every track's key, in no order, some perhaps twice."""
        with asking(self.settings):
            for key in self._client.scan_iter(match=f"{self.settings.namespace}:{{t*}}:track:*", count=1_000):
                yield key.decode()

    def user_keys(self) -> Iterator[str]:
        """Every user's key, in no order, some perhaps twice."""
        with asking(self.settings):
            for key in self._client.scan_iter(match=f"{self.settings.namespace}:{{u*}}:user:*", count=1_000):
                yield key.decode()

    def catalogue_keys(self) -> Iterator[str]:
        """Every key of a track's row in the catalogue, in no order, some perhaps twice."""
        with asking(self.settings):
            for key in self._client.scan_iter(match=f"{self.settings.namespace}:{{c*}}:track:*", count=1_000):
                yield key.decode()

    def n_tracks(self) -> int:
        """How many tracks have a name."""
        with asking(self.settings):
            return sum(int(self._client.hlen(self.keys.track_ids(q))) for q in range(self.settings.deltas_partitions))

    def text(self, key: str) -> bytes | None:
        """A plain string."""
        with asking(self.settings):
            value: Any = self._client.get(key)
        return value if isinstance(value, bytes) else None

    def texts(self, keys: Sequence[str]) -> list[bytes | None]:
        """Plain strings, one round trip; None for what is not there."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        with asking(self.settings):
            found: Any = pipeline.execute()
        return list(found)

    def document(self, key: str, field: str) -> Any:
        """A JSON field of a hash, decoded; None when it is not there."""
        found = self.fields(key, [field])
        return msgspec.json.decode(found[field]) if field in found else None

    def lists(self, key: str) -> Any:
        """The list pair of a user's hash as it was published, decoded; None when there is none."""
        short = self.fields(key, ["list"]).get("list")
        return msgspec.json.decode(published(short)) if short else None

    def tops(self) -> list[list[tuple[str, float]]]:
        """The most popular tracks of each partition, at most `TOP`, best first: id, and log2 of the decayed plays at a common time."""
        texts = self.texts([self.keys.popular(partition) for partition in range(self.settings.deltas_partitions)])
        return [msgspec.json.decode(text, type=list[tuple[str, float]]) for text in texts if text]

    def popular(self) -> list[tuple[str, float]]:
        """The most popular tracks over all partitions, best first: id, and decayed plays as a share of the first one's."""
        return merged(self.tops(), self.settings.id_key.encode())

    def track_ids(self, hashes: Sequence[int]) -> dict[int, str]:
        """The ids behind tracks' hashes, of those that somebody played."""
        n, found = self.settings.deltas_partitions, {}
        for partition in sorted({track_partition(track, n) for track in hashes}):
            here = [track for track in hashes if track_partition(track, n) == partition]
            names = self.fields(self.keys.track_ids(partition), [hash_field(track) for track in here])
            found.update({track: names[hash_field(track)].decode() for track in here if hash_field(track) in names})
        return found

    def server(self, section: str) -> dict[str, Any]:
        """A section of INFO."""
        with asking(self.settings):
            found: Any = self._client.info(section, **one_node(self._client))
        return dict(found)

    def time_ms(self) -> float:
        """Redis's own clock, epoch ms."""
        with asking(self.settings):
            seconds, micros = self._client.time(**one_node(self._client))
        return float(seconds * 1_000 + micros / 1_000)


def merged(tops: Iterable[Sequence[tuple[str, float]]], id_key: bytes) -> list[tuple[str, float]]:
    """One list of several, each of (id, log2 score): best first, scores as shares of the best; equals in the order of their hashes.

    >>> merged([[("a", 3.0), ("b", 1.0)], [("c", 2.0)]], b"key")
    [('a', 1.0), ('c', 0.5), ('b', 0.25)]
    """
    best = sorted(chain.from_iterable(tops), key=lambda entry: (-entry[1], id_hash(entry[0], id_key)))[:TOP]
    return [(track_id, 2.0 ** (score - best[0][1])) for track_id, score in best]
