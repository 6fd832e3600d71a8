"""Logs of tracks and users for tests: dirty, refused and withdrawn rows among good ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import msgspec

from streams.partitioner import partition_of
from tests.events_log import Appended

AT_MS = 1_764_582_000_000
ARTISTS = ("Metallica", "Metallica", "Metallica", "Metalica", "Queen", "QUEEN", "BeyoncÃ©", "Guns N' Roses", "N/A")
GENRES = ("rock", "Rock", "rokc", "hip-hop", "Hip Hop", "qawwali", "qawwalli", 7)


def track(chance: Random, track_id: str) -> dict[str, Any]:
    """A track as some source may write it."""
    return {
        "track_id": track_id,
        "title": chance.choice(("Load", "Load (Live)", "Load - Remastered 2009", "03. Load.mp3", "R&amp;B  hits")),
        "artist": chance.choice(ARTISTS),
        "album": chance.choice(("Load", "Reload", None)),
        "genre": chance.choice(GENRES),
        "released": chance.choice(("14/06/2019", "06/07/2019", "2019-06", "soon")),
        "duration_ms": chance.choice((201_000, "3:21", "203,5", -4)),
        "features": {"tempo": chance.choice((120.5, "90 bpm", 0, None)), "energy": chance.random(), "mood": "?"},
    }


def messy_tracks(n: int, seed: int, *, ids: int = 40) -> list[tuple[bytes | None, bytes | None]]:
    """(key, value) of `n` records: some are rows, some withdraw one, some are refused for one reason or another."""
    chance, records = Random(seed), list[tuple[bytes | None, bytes | None]]()
    for _ in range(n):
        track_id = f"t{chance.randrange(ids)}"
        key, value = track_id.encode(), msgspec.json.encode(track(chance, track_id))
        records.append(
            chance.choices(
                (
                    (key, value),
                    (key, None),
                    (key, value[:-3]),
                    (b"another", value),
                    (key, value.replace(b'"track_id"', b'"id"')),
                    (key, b"x" * 65_537),
                    (b"NA", b'{"track_id":"NA"}'),
                ),
                weights=(60, 6, 3, 2, 3, 2, 2),
            )[0]
        )
    return records


def lying_on(topic: str, partition_count: int, records: Iterable[tuple[bytes | None, bytes | None]]) -> dict[int, list[Appended]]:
    """The records as Kafka's own partitioner places them, with holes as compaction leaves them."""
    logs: dict[int, list[Appended]] = {n: [] for n in range(partition_count)}
    for n, (key, value) in enumerate(records):
        log = logs[partition_of(key or b"", partition_count)]
        offset = log[-1].offset + 1 + (n % 7 == 0) if log else 0
        log.append(Appended(key, value, (), AT_MS + n, offset, partition_of(key or b"", partition_count), topic))
    return logs


def compacted(log: Sequence[Appended]) -> list[Appended]:
    """What a thorough compaction leaves: of each key what was appended last."""
    newest = {record.key: record for record in log}
    return [record for record in log if newest[record.key] is record]
