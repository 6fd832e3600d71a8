"""What the ranker learned survives the way to Redis; what is no weights is refused; who learned more is followed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from online_models.weights import BadWeights, Weights, adopt, decode, encode, new_weights


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
        lambda data: data[:-4] + np.float32("nan").tobytes(),
    ],
)
def test_what_is_no_weights_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadWeights):
        decode(spoil(encode(learned(7))))


def test_who_learned_from_more_plays_is_followed() -> None:
    mine = learned(7)
    assert not adopt(mine, learned(7)) and not adopt(mine, learned(3))
    assert encode(mine) == encode(learned(7))
    assert adopt(mine, learned(9))
    assert encode(mine) == encode(learned(9))
