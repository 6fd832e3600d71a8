"""Judges the dead letters: each rejected record has one, with its own bytes and a reason of the enum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.oracle.logs import Read
from tests.oracle.records import REASONS
from tests.oracle.verdict import Findings

PREFIX = "__dlq.errors."

Letters = dict[tuple[int, int], set[int]]
"""(partition, offset) of a rejected record -> hashes (`letter_hash`) of what its letters carry."""


def read_letters(logs: Iterable[Iterable[Read]], events: str, findings: Findings) -> Letters:
    """Gather the letters of all partitions."""
    letters: Letters = {}
    for log in logs:
        for read in log:
            told = {key[len(PREFIX) :]: (value or b"").decode() for key, value in read.headers if key.startswith(PREFIX)}
            if told.get("reason") not in REASONS or told.get("topic") != events or not told.get("message"):
                findings.fault("dead_letters_wrong", f"dead letter at {read.offset} with headers {told}")
                continue
            place = (int(told.get("partition", "-1")), int(told.get("offset", "-1")))
            letters.setdefault(place, set()).add(letter_hash(read))
    return letters


def letter_hash(read: Read) -> int:
    """What a dead letter must carry unchanged: key, value, and the headers that are no error headers."""
    return hash((read.key, read.value, tuple(header for header in read.headers if not header[0].startswith(PREFIX))))


def judge_letters(partition: int, rejected: Mapping[int, tuple[int, str]], letters: Letters, findings: Findings) -> None:
    """Does each rejected record of the partition have its letter, and no other record one?"""
    for offset, (digest, reason) in rejected.items():
        found = letters.pop((partition, offset), None)
        if found is None:
            findings.fault("dead_letters_missing", f"events {partition}@{offset} ({reason}) has no dead letter")
        elif found != {digest}:
            findings.fault("dead_letters_wrong", f"events {partition}@{offset} ({reason}): its letter carries other bytes")
    for other, offset in [place for place in letters if place[0] == partition]:
        del letters[other, offset]
        findings.fault("dead_letters_wrong", f"events {other}@{offset} has a dead letter, and nothing is wrong with it")
