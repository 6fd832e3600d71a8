"""Keys are spelled once, documented, and never formed by an id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from infra.keys import DOCS, Keys, Pattern, pattern_of, table
from tests.key_table import undocumented_keys

KEYS = Keys("my-segue.2")
SPELLINGS: dict[str, Callable[[], str]] = {
    "NS:meta": KEYS.meta,
    "NS:{uP}:cursor": lambda: KEYS.user_cursor(3),
    "NS:{uP}:pending": lambda: KEYS.user_pending(3),
    "NS:{uP}:ranker": lambda: KEYS.ranker(12),
    "NS:{uP}:quality": lambda: KEYS.quality(12),
    "NS:{uP}:user:ID": lambda: KEYS.user(3, "ana b:{u4}*"),
    "NS:{tQ}:cursor": lambda: KEYS.track_cursor(5),
    "NS:{tQ}:pending": lambda: KEYS.track_pending(5),
    "NS:{tQ}:track:ID": lambda: KEYS.track(5, "t/42"),
    "NS:{tQ}:ids": lambda: KEYS.track_ids(5),
    "NS:{tQ}:artists": lambda: KEYS.track_artists(5),
    "NS:{tQ}:artist:HASH": lambda: KEYS.artist(5, "0123456789abcdef"),
    "NS:{tQ}:album:HASH": lambda: KEYS.album(5, "0123456789abcdef"),
    "NS:{tQ}:popular": lambda: KEYS.popular(5),
    "NS:{cQ}:cursor": lambda: KEYS.clean_cursor("c", 5),
    "NS:{cQ}:pending": lambda: KEYS.clean_pending("c", 5),
    "NS:{cQ}:track:ID": lambda: KEYS.clean_row("c", 5, "t/42"),
    "NS:{cQ}:evidence": lambda: KEYS.clean_evidence("c", 5),
    "NS:{cQ}:counts": lambda: KEYS.clean_counts("c", 5),
    "NS:{aP}:cursor": lambda: KEYS.clean_cursor("a", 3),
    "NS:{aP}:pending": lambda: KEYS.clean_pending("a", 3),
    "NS:{aP}:user:ID": lambda: KEYS.clean_row("a", 3, "ana b:{u4}*"),
    "NS:{aP}:evidence": lambda: KEYS.clean_evidence("a", 3),
    "NS:{aP}:counts": lambda: KEYS.clean_counts("a", 3),
    "NS:{qP}:cursor": lambda: KEYS.answers_cursor(3),
    "NS:{qP}:pending": lambda: KEYS.answers_pending(3),
    "NS:{m:MODEL}:cursor": lambda: KEYS.model_cursor("finish"),
    "NS:{m:MODEL}:pending": lambda: KEYS.model_pending("finish"),
    "NS:{m:MODEL}:manifest": lambda: KEYS.manifest("finish"),
    "NS:{m:MODEL}:part:VERSION:N": lambda: KEYS.part("finish", 14, 0),
    "NS:{m:MODEL}:serving": lambda: KEYS.serving("finish"),
    "NS:{m:MODEL}:serving:VERSION": lambda: KEYS.serving_of("finish", 14),
    "NS:{m:MODEL}:answer:ID": lambda: KEYS.answer("genre", "t/42"),
    "NS:{m:MODEL}:versions": lambda: KEYS.versions("finish"),
    "NS:{m:MODEL}:wish": lambda: KEYS.wish("finish"),
}


def test_the_document_is_what_the_code_would_write() -> None:
    assert DOCS.read_text() == table(), "run `python -m infra.keys`"


def test_every_spelling_is_documented_and_every_row_is_spelled() -> None:
    spelled = {row: pattern_of(spell(), "my-segue.2") for row, spell in SPELLINGS.items()}
    assert {row: found.pattern for row, found in spelled.items() if found is not None} == {row: row for row in SPELLINGS}
    methods = {name for name in vars(Keys) if not name.startswith("_") and callable(getattr(Keys, name)) and name not in dir(tuple)}
    of_two_sides = {name for name in methods if name.startswith("clean_")}
    assert len(SPELLINGS) == len(methods) + len(of_two_sides), "a method of Keys is missing in this test"


@pytest.mark.parametrize(
    "key", ["segue:meta", "my-segue.2:meta:x", "my-segue.2:{u3}:user:a:b", "my-segue.2:{m:finish}:part:one:0", "my-segueX2:meta"]
)
def test_a_key_outside_the_table_belongs_to_no_row(key: str) -> None:
    assert pattern_of(key, "my-segue.2") is None


@given(user=st.text(min_size=1), partition=st.integers(0, 999))
def test_no_id_changes_the_hash_tag_or_the_row_of_its_key(user: str, partition: int) -> None:
    key = KEYS.user(partition, user)
    found = pattern_of(key, "my-segue.2")
    assert isinstance(found, Pattern) and found.pattern == "NS:{uP}:user:ID"
    assert key.count("{") == 1 and key.startswith(f"my-segue.2:{{u{partition}}}:")


@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_two_ids_have_two_keys(one: str, other: str) -> None:
    assert (KEYS.track(1, one) == KEYS.track(1, other)) == (one == other)


def test_a_live_instance_is_held_to_the_table(redis_url: str, namespace: str) -> None:
    keys = Keys(namespace)
    with redis.Redis.from_url(redis_url) as client:
        client.hset(keys.user_cursor(1), "next", 0)
        client.set(keys.popular(2), "[]")
        assert undocumented_keys(client, namespace) == []
        client.set(keys.user(1, "ana"), "a string where a hash should be")
        client.set(f"{namespace}:scratch", "x")
        assert undocumented_keys(client, namespace) == [f"{namespace}:scratch (string)", f"{keys.user(1, 'ana')} (string)"]
        for key in client.scan_iter(f"{namespace}:*"):
            client.delete(key)
