"""What other lists would have been worth, from a log of lists that explored.

Worth is hits per list: entries of `discover` that became plays. Each place of each list is one observation: the policy that wrote
the log put its track there with the propensity p, a target policy would have with the chance t, and `w = t / p` weighs what came of it.

IPS, the mean of w x hits (Horvitz and Thompson, "A generalization of sampling without replacement from a finite
universe", JASA 47, 1952), is unbiased where p > 0 wherever t > 0. SNIPS divides by the sum of the weights instead of the
number of observations (Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning", NeurIPS 2015): a
little biased, and far steadier. That places are observations by themselves assumes that what a place brings depends on what stands there
and not on the rest of the list: the item-position model of Li et al., "Offline evaluation of ranking policies with click models", KDD 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from evaluation.bootstrap import PERCENTILES, resampled
from evaluation.policy_log import NO_TRACK, PolicyLog
from online_models.arrays import F64

DIGITS: Final = 6
Target = Callable[[PolicyLog], F64]
"""Weights (n, LENGTH): the chance with which a target policy does what the log did at each place, over the chance that the log did it."""


def shown(log: PolicyLog) -> F64:
    """What the lists were: the policy that wrote the log."""
    return np.where(log.track == NO_TRACK, 0.0, 1.0)


def greedy(log: PolicyLog) -> F64:
    """No exploration: the best track at every place."""
    return np.where((log.track == NO_TRACK) | log.explored | log.kept, 0.0, 1.0 / log.propensity)


def uniform(log: PolicyLog) -> F64:
    """Nothing but exploration: at every place any of the candidates that were not listed."""
    return np.where(log.explored | log.kept, 1.0 / log.share[:, None], 0.0)


def popular(log: PolicyLog) -> F64:
    """What everybody played most by then, in order, without what the user knew."""
    return np.where((log.track == log.popular) & (log.track != NO_TRACK) & ~log.kept, 1.0 / log.propensity, 0.0)


TARGETS: Final[Mapping[str, Target]] = {"shown": shown, "greedy": greedy, "uniform": uniform, "popular": popular}


def estimate(log: PolicyLog, target: Target, seed: int) -> dict[str, Any]:
    """The worth of a target policy, [low, mean, high] with 95 % intervals resampled by user.

    `support` is the mean weight: about 1 where the log could have shown whatever the target would, less where it could not, and then IPS
    is too low by what was never shown, and SNIPS speaks of the rest. `observations` is the effective number of weighted ones (Kish, Survey
    Sampling, 1965).
    """
    there = log.track != NO_TRACK
    weight = target(log)
    won = weight * log.hit
    total = float(weight.sum())
    return {
        **_intervals(np.stack([np.ones(log.n), there.sum(axis=1), weight.sum(axis=1), won.sum(axis=1)], axis=1), log, seed),
        "support": round(total / max(1, int(there.sum())), DIGITS),
        "observations": round(total**2 / float((weight**2).sum()), 1) if total else 0.0,
        "by_place": _by_place(weight, won, there),
    }


def _intervals(sums: F64, log: PolicyLog, seed: int) -> dict[str, list[float] | None]:
    """`sums` (n, 4): of each list 1, its entries, their weights, their weighted hits."""
    n_users = int(log.user.max()) + 1
    by_user = np.stack([np.bincount(log.user, column, n_users) for column in sums.T], axis=1)
    drawn, whole = resampled(by_user, seed), by_user.sum(axis=0)
    return {"ips": _interval(drawn, whole, _ips), "snips": _interval(drawn, whole, _snips) if whole[2] else None}


def _ips(sums: F64) -> F64:
    lists, _, _, won = sums.T
    return np.asarray(won / lists)


def _snips(sums: F64) -> F64:
    """Hits per observation, times the observations of a list; a resample without any weight says nothing."""
    lists, entries, weight, won = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(weight > 0, won / weight * entries / lists, np.nan))


def _interval(drawn: F64, whole: F64, ratio: Callable[[F64], F64]) -> list[float]:
    low, high = np.nanpercentile(ratio(drawn), PERCENTILES)
    return [round(float(v), DIGITS) for v in (low, ratio(whole[None])[0], high)]


def _by_place(weight: F64, won: F64, there: np.ndarray) -> list[dict[str, float | None]]:
    """Hits per list of each place, first to last."""
    n, total = len(weight), weight.sum(axis=0)
    found = []
    for place in range(weight.shape[1]):
        ips = float(won[:, place].sum()) / n
        snips = float(won[:, place].sum() / total[place] * there[:, place].mean()) if total[place] else None
        found.append({"ips": round(ips, DIGITS), "snips": None if snips is None else round(snips, DIGITS)})
    return found
