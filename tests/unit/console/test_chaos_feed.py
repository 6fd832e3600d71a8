"""The producer of a chaos run keeps the workers busy for as long as faults are to come."""

from __future__ import annotations

import time

import msgspec

from console.chaos_feed import Feed
from console.chaos_load import Load
from infra.settings import Settings

NOBODY = msgspec.structs.replace(Settings(), kafka="127.0.0.1:1")
"""Nothing listens there: records stay in the producer's queue."""


def test_a_burst_is_sent_also_when_the_plays_asked_for_are_used_up() -> None:
    feed = Feed(NOBODY, Load(7, 1_764_582_600_000, partitions=8).records(), plays=10, per_s=0)
    feed.start()
    feed.burst(10)
    _until(feed, 10)
    assert feed.plays_left == 0
    feed.burst(25)
    _until(feed, 35)
    feed.stop()


def test_the_trickle_goes_on_until_it_is_told_to_stop() -> None:
    feed = Feed(NOBODY, Load(7, 1_764_582_600_000, partitions=8).records(), plays=10, per_s=200)
    feed.start()
    _until(feed, 20)
    feed.stop()


def _until(feed: Feed, plays: int) -> None:
    """Wait for so many plays; pytest's time limit ends a feed that never sends them."""
    while feed.n_plays < plays:
        feed.check()
        time.sleep(0.01)
