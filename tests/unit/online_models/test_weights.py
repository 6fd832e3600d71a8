"""What the ranker learned survives the way to Redis; what is no weights is refused; who learned more is followed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from online_models.weights import BadWeights, Weights, adopt, decode, encode, new_weights, newest


def learned(lessons: int) -> Weights:
    w, rng = new_weights(), np.random.default_rng(lessons)
    for array in (*w.gate, *w.bilinear):
        array += rng.random(array.shape, np.float32)
    w.lessons[0] = lessons
    return w


def test_they_come_back_as_they_were() -> None:
    assert encode(decode(encode(learned(7)))) == encode(learned(7))
    assert int(decode(encode(learned(7))).lessons[0]) == 7


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-4],
        lambda data: b"\x09" + data[1:],
        lambda data: b"\x01" + data[1:],
        lambda data: data[:-4] + np.float32("nan").tobytes(),
    ],
)
def test_what_is_no_weights_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadWeights):
        decode(spoil(encode(learned(7))))


def test_weights_of_another_release_say_what_to_do() -> None:
    """Version 1: 24 signals, 12 contexts, 72 features."""
    before = b"\x01" + bytes(15 + 4 * 2 * (24 * 12 + 12 * 72))
    with pytest.raises(BadWeights, match=r"9232 bytes of version 1 are no weights of version 3: .* begins anew; `segue rebuild`"):
        decode(before)


def test_readers_take_the_newest_copy_that_they_can_read() -> None:
    old = b"\x01" + encode(learned(30))[1:]
    found = newest({"u0": old, "u1": encode(learned(7)), "u2": None, "u3": encode(learned(9)), "u4": encode(learned(3))})
    assert found is not None and found[0] == "u3" and encode(found[1]) == encode(learned(9))
    assert newest({"u0": None, "u1": b""}) is None
    with pytest.raises(BadWeights, match=r"^u1: .* are no weights of version 3"):
        newest({"u0": None, "u1": old})


def test_who_learned_from_more_plays_is_followed() -> None:
    mine = learned(7)
    assert not adopt(mine, learned(7)) and not adopt(mine, learned(3))
    assert encode(mine) == encode(learned(7))
    assert adopt(mine, learned(9))
    assert encode(mine) == encode(learned(9))
