"""Stage 2: its lesson is the gradient of the log-likelihood, and it learns a rule that depends on the context."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from online_models import bilinear
from online_models.arrays import F32
from online_models.bilinear import Bilinear, Work, new_bilinear, new_work
from online_models.context import N_CONTEXTS, N_TRUST
from online_models.features import N_FEATURES

BEST, N = 16, 13


def a_ranking(rng: Generator) -> tuple[Work, F32]:
    work = new_work(BEST)
    work.x[:, :N] = rng.random((N_FEATURES, N), np.float32)
    return work, rng.random(N_CONTEXTS, np.float32)


def likelihood(weight: np.ndarray, context: F32, work: Work, played: int) -> float:
    score = (context.astype(float) @ weight @ work.x)[:N]
    return float(score[played] - np.log(np.exp(score).sum()))


def test_the_step_goes_up_the_gradient() -> None:
    rng = np.random.default_rng(5)
    work, context = a_ranking(rng)
    before = new_bilinear()
    ranker = Bilinear(before.weight.copy(), before.square.copy())
    bilinear.learn(ranker, context, work, N, 4)
    gradient = np.sign(ranker.weight - before.weight) * np.sqrt(ranker.square - before.square)
    for c, f in ((0, 24), (3, 7), (11, 40)):
        up = before.weight.astype(float)
        up[c, f] += 1e-4
        slope = (likelihood(up, context, work, 4) - likelihood(before.weight.astype(float), context, work, 4)) / 1e-4
        assert abs(gradient[c, f] - slope) < 2e-3


def test_a_rule_that_turns_with_the_context_is_learned() -> None:
    rng, ranker = np.random.default_rng(6), new_bilinear()
    hits = []
    for _ in range(2_000):
        work, context = a_ranking(rng)
        context[1] = rng.integers(0, 2)
        rule = work.x[5, :N] if context[1] else -work.x[5, :N]
        played = int(np.argmax(rule))
        bilinear.score(ranker, context, work)
        hits.append(int(np.argmax(work.score[:N])) == played)
        bilinear.learn(ranker, context, work, N, played)
    assert np.mean(hits[:100]) < 0.2
    assert np.mean(hits[-300:]) > 0.4, "a rule that cannot turn is right once in 13"


def test_chances_add_up_to_one_and_padding_has_none() -> None:
    work, context = a_ranking(np.random.default_rng(7))
    bilinear.score(new_bilinear(), context, work)
    bilinear.softmax(work, N)
    assert abs(work.chance[:N].sum() - 1.0) < 1e-5
    assert not work.chance[N:].any()


def test_contexts_of_stage_2_alone_are_learned_in_smaller_steps() -> None:
    work, context = a_ranking(np.random.default_rng(8))
    before, ranker = new_bilinear(), new_bilinear()
    context[:] = 1.0
    bilinear.learn(ranker, context, work, N, 4)
    step = np.abs(ranker.weight - before.weight).max(axis=1)
    assert 0.0 < step[N_TRUST:].max() < 0.25 * step[:N_TRUST].min()
