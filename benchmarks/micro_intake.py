"""CPU time of the intake per record: `python -m benchmarks.micro_intake`.

Plays have the full payload and their users are interleaved as in a busy service: a chunk of 500 touches about
500 users. Decoding alone is measured in the same rounds, so that a slow machine shows in both.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec
from aiokafka.structs import ConsumerRecord

from streams import cloudevents
from streams.contract import Play
from streams.intake import Intake

PLAYS_N: Final = 5_000
"""What one fetch of 1 MB holds: no more lies between a record's arrival and its turn, so caches are as warm as they are then."""
USERS_N: Final = 3_000
CHUNK_N: Final = 500
ROUNDS_N: Final = 40
PLAYED_MS: Final = 1_764_582_000_000
MULTIPLIER: Final = 7_919
"""Prime: walks over all users before it meets one again."""

Chunks = list[list[ConsumerRecord]]


def record(n: int, headers: tuple[tuple[str, bytes], ...], value: bytes) -> ConsumerRecord:
    """As aiokafka hands it over: key and value are bytes of their own."""
    key = user_id(n).encode()
    return ConsumerRecord("segue.events", 0, n, PLAYED_MS + 600_000, 1, key, value, None, len(key), len(value), headers)


def user_id(n: int) -> str:
    return f"user-{n * MULTIPLIER % USERS_N:06d}"


def payload(n: int, title: str, imported: bool, rfc_3339: bool) -> bytes:
    """A play with every field that decides something, 215 bytes without a title."""
    fields: dict[str, object] = {
        "event_id": f"01JDZK{n:020d}",
        "user_id": user_id(n),
        "track_id": f"track-{n * 31 % 20_000:06d}",
        "played_at": PLAYED_MS + n,
        "ms_played": 184_000 + n % 1_000,
        "duration_ms": 201_000,
        "session_id": f"session-{n // 12:06d}",
        "reason_end": "trackdone" if n % 4 else "fwdbtn",
    }
    if title:
        fields |= {"track": title, "artist": "Sigur Rós", "album": "( )"}
    if imported:
        fields["import"] = {"source": "0123456789abcdef" * 4, "row": n}
    if rfc_3339:
        fields["played_at"] = cloudevents.rfc3339(PLAYED_MS + n).decode()
    return msgspec.json.encode(fields)


def chunks(title: str = "", with_headers: bool = False, imported: bool = False, rfc_3339: bool = False) -> Chunks:
    records = []
    for n in range(PLAYS_N):
        headers = cloudevents.headers("segue.play.v1", str(n), "/phone", PLAYED_MS) if with_headers else []
        records.append(record(n, tuple(headers), payload(n, title, imported, rfc_3339)))
    return [records[start : start + CHUNK_N] for start in range(0, PLAYS_N, CHUNK_N)]


def cpu_us(work: Callable[[], object]) -> float:
    """CPU time of `work` per play, us."""
    start_ns = time.process_time_ns()
    work()
    return (time.process_time_ns() - start_ns) / 1_000 / PLAYS_N


def measure(name: str, plays: Chunks) -> tuple[float, float]:
    """Min and median us per play of the whole intake; prints them beside decoding alone."""
    intake = Intake(1)
    decode = msgspec.json.Decoder(Play).decode

    def read() -> None:
        for chunk in plays:
            assert not intake.read(chunk, 0).rejections

    def decode_only() -> None:
        for chunk in plays:
            for it in chunk:
                assert it.value is not None
                decode(it.value)

    read()
    rounds = [(cpu_us(read), cpu_us(decode_only)) for _ in range(ROUNDS_N)]
    whole, decoding = ([row[side] for row in rounds] for side in (0, 1))
    sys.stdout.write(
        f"{name:<42} {min(whole):5.2f} / {statistics.median(whole):5.2f} us per record (min / median);"
        f" of it decoding {min(decoding):5.2f} / {statistics.median(decoding):5.2f}\n"
    )
    return min(whole), statistics.median(whole)


def main() -> None:
    measure("full payload", chunks())
    measure("full payload, CloudEvents headers", chunks(with_headers=True))
    measure("full payload, RFC 3339 times", chunks(rfc_3339=True))
    measure("full payload, imported", chunks(imported=True))
    measure("full payload, names that are not ASCII", chunks(title="Svefn-g-englar \u266b"))


if __name__ == "__main__":
    main()
