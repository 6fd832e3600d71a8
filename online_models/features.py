"""What stage 2 sees of each candidate: every signal's logarithm, and what puts them in proportion."""

from __future__ import annotations

import numpy as np

from online_models import rankings as kept
from online_models import signals
from online_models.aims import N_AIMS
from online_models.arrays import F32
from online_models.kernel import kernel
from online_models.lanes import largest, log_scaled
from online_models.rankings import Rankings
from online_models.signals import N_SIGNALS

MORE = (
    "mixture",  # logarithm of stage 1's probability
    "plays",
    "popular_now",
    "trend",  # popular_now against plays
    "is_source",  # how often something follows it
    "next_of_best",  # signals as shares of the best candidate's
    "window_of_best",
    "near_of_best",
    "alike_of_best",
    "aligned_of_best",
    "alike_next_of_best",
    "own_next_of_best",
    "next_raw",
    "window_raw",
    "window_against_before",
    "near_cosine",  # near, popular tracks damped
    "skip_one_and_next",
    "window_and_near",
    "again_from_before",  # of earlier sessions only
    "again_here_own",
    "heard_before",
    "heard_here",
    "is_last",  # it just played
    "past_cosine",
    "aligned_raw",
    "like_last",  # cosine with the last track's vector
    "like_session",
    "like_user",
    "kindred",  # its listeners are those of the user's newest tracks
    "kindred_of_best",
    "genre_share",  # its genre in the user's taste, against the other candidates'
    "micro_share",  # its micro-genre in the session, against the others'
)
_PLAIN = (*signals.SIGNALS, *MORE)
SQUARED = tuple(
    _PLAIN.index(name)
    for name in (
        "next", "window", "before", "near", "skip_one", "reach", "alike", "alike_aligned", "alike_next",
        "own_next", "again", "mixture", "plays", "near_cosine", "trend", "like_last", "like_session", "like_user", "fresh", "past_window",
        "kindred_of_best",
    )
)  # fmt: skip
"""Features whose squares are features too: what is twice as much need not say twice as much."""
FEATURES = (*_PLAIN, *(f"{_PLAIN[f]}_squared" for f in SQUARED))
N_FEATURES = len(FEATURES)
MIXTURE = N_SIGNALS
IS_LAST = FEATURES.index("is_last")
KINDRED = FEATURES.index("kindred")
GENRE_SHARE = FEATURES.index("genre_share")
_FIRST_SQUARE = len(_PLAIN)
assert N_FEATURES % 8 == 0

# norm x ln(1 + scale x signal) lies between 0 and about 1 for what is seen.
_SHARE, _COUNT = (1000.0, 0.14476), (10.0, 0.417)
_SHAPES = [_SHARE] * N_SIGNALS
for _k in (signals.OWN_NEXT, signals.OWN_WINDOW, signals.OWN_NEAR):
    _SHAPES[_k] = _COUNT
for _k in (signals.TIMES, signals.SESSION_TIMES):
    _SHAPES[_k] = (1.0, 0.5)
_SHAPES[signals.AGAIN] = (20.0, 0.25)
_SHAPES[signals.REACH] = (1.0, 0.417)
for _k in (signals.AGE, signals.LAST, signals.SESSION_LAST):
    _SHAPES[_k] = (1.718, 1.0)
_IN_PROPORTION = (
    signals.NEXT, signals.WINDOW, signals.NEAR, signals.ALIKE, signals.ALIKE_ALIGNED, signals.ALIKE_NEXT, signals.OWN_NEXT,
)  # fmt: skip
SCALE = np.array([scale for scale, _ in _SHAPES], np.float32)
NORM = np.array([norm for _, norm in _SHAPES], np.float32)


@kernel
def _best(row: F32) -> float:
    return max(np.float32(1e-4), largest(row, row.shape[0]))  # type: ignore[return-value]


@kernel
def _in_proportion(x: F32, signal: F32, f: int) -> None:
    for j, k in enumerate(_IN_PROPORTION):
        inverse = np.float32(1.0) / _best(signal[k])
        for m in range(x.shape[1]):
            x[f + j, m] = signal[k, m] * inverse


@kernel
def _of_the_track(x: F32, track: F32, f: int) -> None:
    for m in range(x.shape[1]):
        x[f, m] = log_scaled(track[kept.PLAYS, m], 1.0, 0.16)
        x[f + 1, m] = log_scaled(track[kept.POPULAR, m], 1.0, 0.3)
        x[f + 2, m] = x[f + 1, m] - x[f, m]
        x[f + 3, m] = log_scaled(track[kept.NEXTS, m], 1.0, 0.16)


@kernel
def _together(x: F32, signal: F32, track: F32, f: int) -> None:
    of_best = N_SIGNALS + 5
    for m in range(x.shape[1]):
        damp = np.float32(1.0) / np.sqrt(track[kept.PLAYS, m] + np.float32(1.0))
        here = np.float32(1.0) if signal[signals.SESSION_TIMES, m] > 0.0 else np.float32(0.0)
        before = np.float32(1.0) if signal[signals.TIMES, m] > signal[signals.SESSION_TIMES, m] else np.float32(0.0)
        x[f, m] = signal[signals.NEXT, m]
        x[f + 1, m] = signal[signals.WINDOW, m]
        x[f + 2, m] = x[signals.WINDOW, m] - x[signals.BEFORE, m]
        x[f + 3, m] = log_scaled(signal[signals.NEAR, m] * damp, 1000.0, 0.14476)
        x[f + 4, m] = x[signals.SKIP_ONE, m] * x[signals.NEXT, m]
        x[f + 5, m] = x[of_best + 1, m] * x[of_best + 2, m]
        x[f + 6, m] = before * (np.float32(1.0) - here) * x[signals.AGAIN, m]
        x[f + 7, m] = here * x[signals.OWN_NEXT, m]
        x[f + 8, m] = before * (np.float32(1.0) - here)
        x[f + 9, m] = here
        x[f + 10, m] = np.float32(1.0) if signal[signals.SESSION_LAST, m] == 1.0 else np.float32(0.0)
        x[f + 11, m] = log_scaled(signal[signals.PAST_NEAR, m] * damp, 1000.0, 0.14476)
        x[f + 12, m] = signal[signals.ALIKE_ALIGNED, m]
    for a in range(N_AIMS):
        for m in range(x.shape[1]):
            x[f + 13 + a, m] = track[kept.COSINES + a, m]


@kernel
def _of_its_listeners(x: F32, track: F32, f: int) -> None:
    inverse = np.float32(1.0) / _best(track[kept.KINDRED])
    for m in range(x.shape[1]):
        x[f, m] = log_scaled(track[kept.KINDRED, m], 1000.0, 0.14476)
        x[f + 1, m] = track[kept.KINDRED, m] * inverse


@kernel
def _of_taste(x: F32, rankings: Rankings, r: int, f: int) -> None:
    for j in range(2):
        for m in range(x.shape[1]):
            x[f + j, m] = rankings.track[r, kept.GENRE + j, m] if rankings.placed[r] else np.float32(0.0)


@kernel
def fill(x: F32, rankings: Rankings, r: int) -> None:
    """Write the features (N_FEATURES, best) of ranking `r`'s candidates."""
    signal, track = rankings.signal[r], rankings.track[r]
    for k in range(N_SIGNALS):
        for m in range(x.shape[1]):
            x[k, m] = log_scaled(signal[k, m], SCALE[k], NORM[k])
    for m in range(x.shape[1]):
        x[MIXTURE, m] = log_scaled(rankings.prior[r, m], 1e5, 0.0868)
    _of_the_track(x, track, MIXTURE + 1)
    _in_proportion(x, signal, MIXTURE + 5)
    _together(x, signal, track, MIXTURE + 5 + len(_IN_PROPORTION))
    _of_its_listeners(x, track, KINDRED)
    _of_taste(x, rankings, r, GENRE_SHARE)
    for j, f in enumerate(SQUARED):
        for m in range(x.shape[1]):
            x[_FIRST_SQUARE + j, m] = x[f, m] * x[f, m]
