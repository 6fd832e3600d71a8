"""Stage 2: a softmax over the best candidates of stage 1, bilinear in context and features, learned from every play.

    score(track) = context @ weight @ features(track)

One AdaGrad step up the log-likelihood of the track that was played, where it is among the candidates.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models.arrays import F32
from online_models.context import N_CONTEXTS, N_TRUST
from online_models.features import IS_LAST, MIXTURE, N_FEATURES
from online_models.kernel import kernel
from online_models.lanes import product

RATE = 0.2
"""Step of AdaGrad: .05, .1, .2 gave HR@20 .4807, .4818, .4832 between 40 and 60 % of 30Music."""
MIXTURE_START = 3.0
"""Weight of stage 1's log-probability before anything was learned: the first lists are stage 1's."""

IS_LAST_START = -3.0
"""Weight of having just been played: immediate repeats are .4 % of 30Music, and a new ranker has seen none."""

BOLD, CAREFUL = 1e-2, 10.0
"""AdaGrad's sums begin so, the careful one for the contexts that stage 1 does not read: what turns with them is little, and with bold
steps a young ranker makes too much of it (HR@20 of `fast`, first twentieth of 30Music, .3113 instead of .3129; the same from 40 % on)."""


class Bilinear(NamedTuple):
    """Weights of one users' partition, and AdaGrad's sums of squares."""

    weight: F32  # (N_CONTEXTS, N_FEATURES)
    square: F32  # (N_CONTEXTS, N_FEATURES)


class Work(NamedTuple):
    """Scratch of one ranking; `best` is padded to a multiple of eight."""

    x: F32  # (N_FEATURES, best)
    score: F32  # (best,)
    chance: F32  # (best,)
    blend: F32  # (N_FEATURES,) context @ weight


def new_bilinear() -> Bilinear:
    """Before the first play."""
    weight = np.zeros((N_CONTEXTS, N_FEATURES), np.float32)
    weight[0, MIXTURE] = MIXTURE_START
    weight[0, IS_LAST] = IS_LAST_START
    square = np.full((N_CONTEXTS, N_FEATURES), BOLD, np.float32)
    square[N_TRUST:] = CAREFUL
    return Bilinear(weight=weight, square=square)


def new_work(best: int) -> Work:
    """Room for `best` candidates."""
    return Work(
        x=np.zeros((N_FEATURES, best), np.float32),
        score=np.zeros(best, np.float32),
        chance=np.zeros(best, np.float32),
        blend=np.zeros(N_FEATURES, np.float32),
    )


@kernel
def score(ranker: Bilinear, context: F32, work: Work) -> None:
    """Fill `work.score` from `work.x`."""
    for f in range(N_FEATURES):
        work.blend[f] = 0.0
    for c in range(N_CONTEXTS):
        for f in range(N_FEATURES):
            work.blend[f] += context[c] * ranker.weight[c, f]
    for m in range(work.score.shape[0]):
        work.score[m] = 0.0
    for f in range(N_FEATURES):
        for m in range(work.score.shape[0]):
            work.score[m] += work.blend[f] * work.x[f, m]


@kernel
def softmax(work: Work, n: int) -> None:
    """Fill `work.chance` with the chances of the first `n` candidates; 0 for the padding."""
    most = np.float32(-1e30)
    for m in range(n):
        most = max(most, work.score[m])
    everything = np.float32(0.0)
    for m in range(n):
        work.chance[m] = np.exp(work.score[m] - most)
        everything += work.chance[m]
    for m in range(n):
        work.chance[m] /= everything
    for m in range(n, work.chance.shape[0]):
        work.chance[m] = 0.0


@kernel
def learn(ranker: Bilinear, context: F32, work: Work, n: int, played: int) -> None:
    """Candidate `played` of `n` was the one; `work.x` are the features that it was ranked by."""
    score(ranker, context, work)
    softmax(work, n)
    best = work.chance.shape[0]
    for f in range(N_FEATURES):
        work.blend[f] = work.x[f, played] - product(work.chance, work.x[f], best)
    for c in range(N_CONTEXTS):
        for f in range(N_FEATURES):
            g = context[c] * work.blend[f]
            ranker.square[c, f] += g * g
            ranker.weight[c, f] += np.float32(RATE) * g / math.sqrt(ranker.square[c, f])
