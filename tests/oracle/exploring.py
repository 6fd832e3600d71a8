"""Which places of `discover` must have explored, and how likely each entry was: the contract, written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from xxhash import xxh3_64_intdigest as xxh3

if TYPE_CHECKING:
    from tests.oracle.lists import Entry, Lists

MASK: Final = (1 << 64) - 1
STEP: Final = 0x9E3779B97F4A7C15
FACTORS: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Explore(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    share: float
    places: list[int]
    candidates: int
    kept: list[int] = []


def explores(event_id: str, place: int, share: float) -> bool:
    """Does this place explore? SplitMix64 of the event's hash, two numbers per place, of which the first decides."""
    x = ((xxh3(event_id.encode()) or 1) + STEP * (2 * place + 1)) & MASK
    for shift, factor in FACTORS:
        x = (x ^ x >> shift) * factor & MASK
    return ((x ^ x >> 31) >> 11) / 2**53 < share


def likely(explore: Explore | None, n: int) -> list[float]:
    """How likely each of `n` entries of `discover` was to stand where it stands."""
    if explore is None:
        return [1.0] * n
    return [explore.share / explore.candidates if place in explore.places else round(1 - explore.share, 12) for place in range(n)]


def exploring_difference(lists: Lists) -> str:
    """What is wrong with how a pair says that it explored; "" = nothing."""
    explore, n = lists.explore, len(lists.discover)
    if any(entry.propensity != 1.0 for entry in lists.next):
        return "next has an entry that was not certain"
    if [entry.propensity for entry in lists.discover] != likely(explore, n):
        return f"discover says {[entry.propensity for entry in lists.discover]}, explore {explore}"
    if explore is None:
        return _order_difference(lists.discover)
    places = [place for place in range(n) if explores(lists.cause.event_id, place, explore.share)]
    if sorted(explore.places + explore.kept) != places:
        return f"the places {explore.places} and {explore.kept} were explored, the event's hash says {places}"
    if explore.candidates < n:
        return f"{explore.candidates} candidates for {n} places"
    following = {entry.track_id for entry in lists.next}
    if any(lists.discover[place].track_id in following for place in explore.places):
        return "what was explored stands in next"
    best = [entry for place, entry in enumerate(lists.discover) if place not in explore.places]
    behind = max((lists.discover[place].score for place in explore.places), default=0.0)
    if best and behind > best[-1].score:
        return f"what was explored has the score {behind}, the last of the best {best[-1].score}"
    return _order_difference(best)


def _order_difference(best: list[Entry]) -> str:
    scores = [entry.score for entry in best]
    return "" if scores == sorted(scores, reverse=True) else f"discover is not in order: {scores}"
