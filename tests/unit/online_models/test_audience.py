"""Who is remembered: a fair sample, so many at most, the same after a restart."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.audience import SILENT_MS, Audience
from online_models.model import BadSnapshot


def hashes(n: int, seed: int) -> list[int]:
    found: list[int] = np.random.default_rng(seed).integers(-(2**63), 2**63 - 1, n).tolist()
    return found


def test_never_more_than_so_many_and_those_with_the_lowest_hashes() -> None:
    audience, users, gone = Audience(100), hashes(1_000, 1), list[int]()
    for n, user in enumerate(users):
        gone += audience.meet(user, 0, n, {0: n})[1]
        assert len(audience.members) <= 100
    below = {user for user in users if user % 2**64 < audience.limit}
    assert set(audience.members) == below and 50 <= len(below) <= 100
    assert not below & set(gone), "who is remembered was never forgotten"


def test_the_silent_go_before_anybody_else() -> None:
    audience, users = Audience(10), hashes(11, 2)
    for n, user in enumerate(users[:10]):
        audience.meet(user, n % 2, 0 if n < 4 else SILENT_MS, {})
    remembered, gone = audience.meet(users[10], 0, 2 * SILENT_MS, {0: SILENT_MS + 1, 1: SILENT_MS})
    assert remembered and gone == [users[0], users[2]], "the other partition's time has not come so far"
    assert audience.limit == 2**64


def test_a_restored_audience_goes_on_as_it_would_have() -> None:
    users = hashes(300, 3)
    whole, first = Audience(50), Audience(50)
    told = [whole.meet(user, 0, n, {0: n}) for n, user in enumerate(users)]
    assert [first.meet(user, 0, n, {0: n}) for n, user in enumerate(users[:120])] == told[:120]
    second = Audience.from_state(50, first.state())
    assert [second.meet(user, 0, n, {0: n}) for n, user in enumerate(users[120:], 120)] == told[120:]
    assert second.state() == whole.state()


@pytest.mark.parametrize("state", [b"", b"[]", b"[1]", b"[1,[[2]]]"])
def test_torn_bytes_are_refused(state: bytes) -> None:
    with pytest.raises(BadSnapshot):
        Audience.from_state(9, state)
