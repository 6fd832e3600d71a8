"""Stage 1: each signal, over all candidates, is a guess of the next track; the mixture trusts them as the context says.

    p(track) = sum_k  share_k(context) * signal_k(track) / sum of signal_k,   share = softmax(gate @ context)

Learned online by one step up the likelihood of each play (a mixture of experts, Jacobs et al. 1991), AdaGrad.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from online_models import signals
from online_models.arrays import F32
from online_models.context import N_TRUST
from online_models.kernel import kernel
from online_models.lanes import total
from online_models.pool import Pool
from online_models.rankings import Rankings
from online_models.signals import N_SIGNALS

RATE = 0.1
"""Step of AdaGrad."""
START = {
    signals.NEXT: 1.0,
    signals.WINDOW: 1.0,
    signals.NEAR: 0.5,
    signals.OWN_NEXT: 0.5,
    signals.ALIKE_ALIGNED: 0.5,
    signals.OWN_WINDOW: 0.0,
    signals.NEXT_OF_SECOND: -0.5,
    signals.POPULAR: -3.0,
    signals.AGE: -3.0,
    signals.LAST: -3.0,
    signals.SESSION_LAST: -3.0,
    signals.SESSION_TIMES: -3.0,
}
"""Trust before anything was learned (log); -1 for the others."""


class Gate(NamedTuple):
    """Weights of one users' partition, and AdaGrad's sums of squares."""

    weight: F32  # (N_SIGNALS, N_TRUST)
    square: F32  # (N_SIGNALS, N_TRUST)


def new_gate() -> Gate:
    """Before the first play."""
    weight = np.zeros((N_SIGNALS, N_TRUST), np.float32)
    weight[:, 0] = -1.0
    for k, trust in START.items():
        weight[k, 0] = trust
    return Gate(weight=weight, square=np.full((N_SIGNALS, N_TRUST), 0.1, np.float32))


@kernel
def _trust(gate: Gate, context: F32, there: F32, share: F32) -> None:
    """Shares of the signals whose total `there` is above 0; they add up to 1."""
    most = np.float32(-1e30)
    for k in range(N_SIGNALS):
        z = np.float32(0.0)
        for c in range(N_TRUST):
            z += gate.weight[k, c] * context[c]
        share[k] = z
        if there[k] > 0.0 and z > most:
            most = z
    everything = np.float32(1e-30)
    for k in range(N_SIGNALS):
        share[k] = np.exp(share[k] - most) if there[k] > 0.0 else np.float32(0.0)
        everything += share[k]
    for k in range(N_SIGNALS):
        share[k] /= everything


@kernel
def weigh(pool: Pool, gate: Gate, context: F32, share: F32, part: F32) -> None:
    """Give every candidate its `score`, a probability; fill `share` and `part` (N_SIGNALS,) for the lesson."""
    n = pool.n[0]
    for k in range(N_SIGNALS):
        part[k] = total(pool.signal[k], n)
    _trust(gate, context, part, share)
    for i in range(n):
        pool.score[i] = 0.0
    for k in range(N_SIGNALS):
        if part[k] <= 0.0:
            part[k] = 0.0
            continue
        part[k] = share[k] / part[k]
        for i in range(n):
            pool.score[i] += part[k] * pool.signal[k, i]


@kernel
def learn(gate: Gate, rankings: Rankings, r: int, m: int) -> None:
    """The play came: it was candidate `m` of ranking `r`. Signals that gave it more than the mixture did gain trust."""
    expected = np.float32(0.0)
    for k in range(N_SIGNALS):
        expected += rankings.part[r, k] * rankings.signal[r, k, m]
    if expected <= 0.0:
        return
    for k in range(N_SIGNALS):
        share = rankings.share[r, k]
        if share > 0.0:
            step = rankings.part[r, k] * rankings.signal[r, k, m] / expected - share
            for c in range(N_TRUST):
                g = step * rankings.context[r, c]
                gate.square[k, c] += g * g
                gate.weight[k, c] += np.float32(RATE) * g / math.sqrt(gate.square[k, c])
