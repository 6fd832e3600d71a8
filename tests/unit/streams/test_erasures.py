"""Erasures are remembered in whatever order they come, and none takes another's place."""

from __future__ import annotations

from itertools import permutations

from streams.erasures import Erasure, Erasures

KEY = b"secret"


def test_each_erasure_has_a_key_of_its_own_and_no_name_in_it() -> None:
    erasures = Erasures("segue", KEY)
    older, newer = (erasures.record(erasures.of("ana", 0, offset)) for offset in (6, 12))
    assert older.key != newer.key
    assert older.key is not None and newer.key is not None
    assert b"ana" not in older.key + newer.key + (older.value or b"")


def test_the_newest_counts_wherever_it_stands_on_the_topic() -> None:
    """A zombie appends an older one behind it."""
    records = [Erasures("segue", KEY).record(Erasures("segue", KEY).of("ana", 0, offset)) for offset in (6, 9, 12)]
    for order in permutations(records):
        compacted = {record.key: record.value for record in order}
        erasures = Erasures("segue", KEY)
        erasures.learn(compacted.values())
        assert erasures.is_hidden("ana", 0, 11)
        assert not erasures.is_hidden("ana", 0, 12)
        assert not erasures.are_ahead(0, 13)


def test_what_is_about_to_be_published_is_known_at_once_and_to_its_own_partition_alone() -> None:
    erasures = Erasures("segue", KEY)
    erasures.note([Erasure(erasures.of("ana", 1, 5).user, 1, 5)])
    assert erasures.is_hidden("ana", 1, 4)
    assert not erasures.is_hidden("ana", 0, 4)
    assert not erasures.is_hidden("bob", 1, 4)
