"""Members of the ensemble, one by one, on columns made for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from river.naive_bayes import GaussianNB

from online_models.arrays import F32, F64, I64
from online_models.genres.bayes import GaussianBayes
from online_models.genres.boosting import Boosting
from online_models.genres.forest import Forest
from online_models.genres.linear import Linear
from online_models.genres.members import Member
from online_models.genres.memory import Memory
from online_models.genres.net import Net
from online_models.genres.parts import pack, unpack
from online_models.genres.stack import LEAST, Stack
from online_models.model import BadSnapshot

N_COLUMNS, N_GENRES = 5, 3
NAMES = ("bayes", "linear", "net", "boosting", "forest")


def _columns(n: int, seed: int) -> tuple[F32, I64]:
    """Genre 0 has a high first column, of the others genre 1 has columns 1 and 2 of one sign, genre 2 of two: no line tells them."""
    x = np.random.default_rng(seed).normal(size=(n, N_COLUMNS)).astype(np.float32)
    return x, np.where(x[:, 0] > 0.6, 0, np.where(x[:, 1] * x[:, 2] > 0.0, 1, 2)).astype(np.int64)


def _member(name: str, memory: Memory) -> Member:
    makers: dict[str, Callable[[], Member]] = {
        "bayes": lambda: GaussianBayes(N_COLUMNS),
        "linear": lambda: Linear(N_COLUMNS),
        "net": lambda: Net(memory),
        "boosting": lambda: Boosting(memory),
        "forest": lambda: Forest(memory),
    }
    return makers[name]()


def _teach(member: Member, memory: Memory, x: F32, y: I64) -> None:
    for row, genre in zip(x, y.tolist(), strict=True):
        memory.add(row, genre)
        member.learn_one(row, genre, N_GENRES)


def _say(member: Member, x: F32) -> F64:
    p = np.empty((len(x), N_GENRES))
    for row, chances in zip(x, p, strict=True):
        member.say_one(row, N_GENRES, chances)
    return p


@pytest.mark.parametrize(("name", "least"), [("bayes", 0.55), ("linear", 0.55), ("net", 0.85), ("boosting", 0.85), ("forest", 0.85)])
def test_a_member_learns_what_it_can(name: str, least: float) -> None:
    memory = Memory(N_COLUMNS, 1_000)
    member = _member(name, memory)
    _teach(member, memory, *_columns(1_500, 1))
    x, y = _columns(400, 2)
    p = _say(member, x)
    assert (p.argmax(axis=1) == y).mean() > least
    assert np.allclose(p.sum(axis=1), 1.0) and (p >= 0.0).all()


@pytest.mark.parametrize("name", NAMES)
def test_before_the_first_lesson_it_answers_too(name: str) -> None:
    p = _say(_member(name, Memory(N_COLUMNS, 10)), np.ones((1, N_COLUMNS), np.float32))
    assert p.sum() == pytest.approx(1.0) and (p > 0.0).all()


def test_trees_forget_what_the_memory_has_forgotten() -> None:
    memory = Memory(N_COLUMNS, 300)
    forest, (x, y) = _member("forest", memory), _columns(400, 3)
    _teach(forest, memory, x, y)
    changed = (y + 1) % N_GENRES
    for _ in range(3):
        _teach(forest, memory, x, changed)
    assert (_say(forest, x).argmax(axis=1) == changed).mean() > 0.7


def test_gaussian_bayes_is_rivers_but_for_the_first_lessons() -> None:
    member, river, (x, y) = GaussianBayes(N_COLUMNS), GaussianNB(), _columns(1_000, 4)
    for row, genre in zip(x, y.tolist(), strict=True):
        member.learn_one(row, genre, N_GENRES)
        river.learn_one(dict(enumerate(row.tolist())), genre)
    fresh, _ = _columns(100, 5)
    theirs = [river.predict_proba_one(dict(enumerate(row.tolist()))) for row in fresh]
    assert _say(member, fresh) == pytest.approx(np.array([[said[c] for c in range(N_GENRES)] for said in theirs]), abs=0.01)


def test_the_stack_learns_whom_to_believe_and_in_which_situation() -> None:
    """Member 0 knows the truth in situation 0 and guesses in situation 1; member 1 the other way round."""
    stack, rng = Stack(2), np.random.default_rng(6)
    p = np.empty(N_GENRES)
    right = []
    for _ in range(2_000):
        situation, y = int(rng.integers(2)), int(rng.integers(N_GENRES))
        said = rng.dirichlet(np.ones(N_GENRES), 2)
        said[situation] = np.where(np.arange(N_GENRES) == y, 0.6, 0.2)
        stack.say_one(said, situation, N_GENRES, p)
        right.append(p.argmax() == y)
        stack.learn_one(said, situation, y, N_GENRES)
    assert np.mean(right[:50]) < 0.9 < 0.97 < np.mean(right[-500:])


def test_the_stack_begins_as_the_geometric_mean() -> None:
    said, p = np.array([[0.8, 0.2], [0.5, 0.5]]), np.empty(2)
    Stack(2).say_one(said, 0, 2, p)
    mean = np.sqrt(said.prod(axis=0))
    assert p == pytest.approx(mean / mean.sum())


def test_a_member_that_is_certain_does_not_decide_alone() -> None:
    p = np.empty(2)
    Stack(2).say_one(np.array([[1.0, 0.0], [0.1, 0.9]]), 0, 2, p)
    assert p[1] > np.sqrt(LEAST) / 2 and np.isfinite(p).all()


def test_parts_fit_or_are_refused() -> None:
    arrays = {"a": np.arange(3.0), "b": np.arange(2, dtype=np.int16)}
    part = pack(arrays)
    fresh = {name: np.zeros_like(array) for name, array in arrays.items()}
    unpack(part, fresh)
    assert all((fresh[name] == arrays[name]).all() for name in arrays)
    for bad in (part[:-1], part + b"\0", np.array([np.nan, 0, 0]).tobytes() + part[24:]):
        with pytest.raises(BadSnapshot):
            unpack(bad, fresh)
