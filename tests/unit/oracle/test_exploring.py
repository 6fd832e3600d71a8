"""The judge's own idea of exploring agrees with what a worker publishes, and each lie about it is found."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from xxhash import xxh3_64_intdigest as xxh3

from online_models.explore import WHETHER, draw
from tests.oracle.exploring import explores, exploring_difference
from tests.oracle.lists import DECODER, Lists
from tests.oracle.stored import stored_lists
from tests.small_world import SMALL, SmallWorld, play

SHARE = 0.3


@pytest.fixture
async def lists() -> list[Lists]:
    """Lists of a world with tracks enough to explore."""
    world = SmallWorld(msgspec.structs.replace(SMALL, explore_share=SHARE))
    await world.claim_all()
    for n in range(0, 160, 10):
        await world.play(*(play(n + k, f"u{n % 4}", f"t{(n * 7 + k) % 90}", session_id=f"s{n}") for k in range(10)))
    await world.play(*(play(1_000 + k, "new", f"t{k}") for k in range(12)))
    assert stored_lists(world.user("new")["list"]) == next(
        told for told in map(_decoded, world.published()) if told.cause.event_id == "e1011"
    )
    return [_decoded(told) for told in world.published()]


def _decoded(told: dict[str, object]) -> Lists:
    return DECODER.decode(msgspec.json.encode(told))


def test_the_places_are_those_of_the_kernel() -> None:
    for event_id in ("e1", "é", "a longer id of some event"):
        for place in range(20):
            kernel = draw(xxh3(event_id.encode()) - (1 << 64 if xxh3(event_id.encode()) >> 63 else 0), place, WHETHER)
            assert explores(event_id, place, 0.3) == (kernel < 0.3)


def test_what_a_worker_publishes_is_right(lists: list[Lists]) -> None:
    assert {exploring_difference(told) for told in lists} == {""}
    exploring = [told for told in lists if told.explore is not None]
    assert any(told.explore.places for told in exploring if told.explore) and len(exploring) < len(lists), "some explore, the first cannot"


def _without_a_place(told: Lists) -> None:
    assert told.explore is not None
    told.explore.places.pop()


def _another_chance(told: Lists) -> None:
    told.discover[3].propensity /= 2


def _another_share(told: Lists) -> None:
    assert told.explore is not None
    told.explore.share = 0.31


def _no_header(told: Lists) -> None:
    told.explore = None


def _uncertain_next(told: Lists) -> None:
    told.next[0].propensity = 0.7


def _moved(told: Lists) -> None:
    assert told.explore is not None
    best = [place for place in range(20) if place not in told.explore.places]
    a, b = best[0], best[-1]
    assert told.discover[a].score > told.discover[b].score
    told.discover[a], told.discover[b] = told.discover[b], told.discover[a]


def _of_next(told: Lists) -> None:
    assert told.explore is not None
    told.discover[told.explore.places[0]].track_id = told.next[0].track_id


def _likelier_than_the_best(told: Lists) -> None:
    assert told.explore is not None
    told.discover[told.explore.places[0]].score = 0.99


LIES = (_without_a_place, _another_chance, _another_share, _no_header, _uncertain_next, _moved, _of_next, _likelier_than_the_best)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_is_found(lists: list[Lists], lie: Callable[[Lists], None]) -> None:
    told = next(
        told for told in lists if told.explore is not None and told.explore.places and told.discover[0].score > told.discover[-1].score
    )
    assert exploring_difference(told) == ""
    lie(told)
    assert exploring_difference(told)
