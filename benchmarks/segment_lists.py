"""Is a new listener better served by what their segment plays than by what everybody plays? `python -m benchmarks.segment_lists FILE`.

Plays in order. After each of a listener's first plays they are put into one of four segments by what the segment models, taught by the
log so far, say of them: more or less exploring than the median of late, likelier or less likely to come back. Their next play is then
looked for among the 20 most played tracks of the last weeks: everybody's, and those of listeners who were in the same segment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from console.commands.evaluating import columns, opened
from evaluation.bootstrap import ahead
from evaluation.log import Log
from evaluation.pasts import Pasts
from online_models.arrays import F64
from online_models.segments.features import HABIT_FEATURES, of_listener
from online_models.segments.fold import SegmentFold
from online_models.segments.logistic import FAR
from online_models.segments.waiting import EXPLORING, RETURNING

FIRST: Final = 5
"""Plays of a listener after which the list is looked at."""
EVERY: Final = 64
LOOKED_AT: Final = 4
"""Of who is no longer new, the segment is looked at after one play in so many."""
LENGTH: Final = 20
HALFLIFE_MS: Final = 14 * 86_400_000
FRESH: Final = 2_000
"""Plays between two rankings of the lists, and between two looks at the models."""
MEDIAN_STEP: Final = 0.01
SEED: Final = 7


class Lists:
    """Fading counts of plays and the most played, per group."""

    def __init__(self, n_groups: int, n_tracks: int, first_ms: int) -> None:
        self._counts: F64 = np.zeros((n_groups, n_tracks))
        self._first_ms = first_ms
        self.top = np.zeros((n_groups, LENGTH), np.int64)

    def play(self, group: int, track: int, at_ms: int) -> None:
        """One play counts more the later it is: the same as letting all others fade."""
        self._counts[group, track] += 2.0 ** ((at_ms - self._first_ms) / HALFLIFE_MS)

    def rank(self) -> None:
        """The lists as of now."""
        self.top = np.argpartition(-self._counts, LENGTH, axis=1)[:, :LENGTH]


class Segments:
    """Of a listener: 0 to 3, by the linear models of the fold as they were when they were looked at last."""

    def __init__(self, fold: SegmentFold) -> None:
        self._fold, self._median = fold, {EXPLORING: 0.0, RETURNING: 0.0}
        self.look()

    def look(self) -> None:
        """Take the models as they are now."""
        served = {target: self._fold.models[target].served() for target in (EXPLORING, RETURNING)}
        self._models = {t: (np.array(m.mean), np.array(m.scale), np.array(m.weights)) for t, m in served.items()}

    def of(self, user: int, now_ms: int) -> int:
        """Which; the medians of what was said move on."""
        habits = self._fold.habits(user)
        assert habits is not None, "who played is known"
        said = of_listener(habits, now_ms)
        x, found = np.array([said[name] for name in HABIT_FEATURES]), 0
        for bit, (target, (mean, scale, weights)) in enumerate(self._models.items()):
            logit = weights[0] + np.clip((x - mean) * scale, -FAR, FAR) @ weights[1:]
            found |= int(logit > self._median[target]) << bit
            self._median[target] += MEDIAN_STEP * float(np.sign(logit - self._median[target]))
        return found


def measure(log: Log) -> dict[str, Any]:
    """Hits of both lists among the first plays of listeners who come in the second half of the log."""
    fold, pasts = SegmentFold(1 << 18), Pasts()
    segments, ask = Segments(fold), np.random.default_rng(SEED).random(log.n) < 1.0 / EVERY
    everybody, apart = (Lists(n, log.n_tracks, int(log.at_ms[0])) for n in (1, 4))
    n_of, segment_of, found = dict[int, int](), dict[int, int](), list[tuple[int, int, float, float]]()
    for row, (user, track, at_ms) in enumerate(zip(log.user.tolist(), log.track.tolist(), log.at_ms.tolist(), strict=True)):
        n = n_of.get(user, -FIRST if row < log.n // 2 and user not in n_of else 0)
        if row % FRESH == 0:
            everybody.rank()
            apart.rank()
            segments.look()
        if 0 < n <= FIRST:
            found.append((user, n, float(track in everybody.top[0]), float(track in apart.top[segment_of[user]])))
        fold.play_one(pasts.play(user, track, at_ms, None), ask_play=False, ask_listener=bool(ask[row]))
        if 0 <= n < FIRST or row % LOOKED_AT == 0 or user not in segment_of:
            segment_of[user] = segments.of(user, at_ms)
        everybody.play(0, track, at_ms)
        apart.play(segment_of[user], track, at_ms)
        n_of[user] = n + 1 if n >= 0 else n
    users, plays, all_, own = np.array(found).T
    return {
        "listeners": len(set(users.tolist())),
        "plays": len(plays),
        "hr20_everybody": round(float(all_.mean()), 5),
        "hr20_segment": round(float(own.mean()), 5),
        "segment_ahead": ahead(own, all_, users.astype(np.int32), SEED),
    }


def main() -> None:
    """One JSON object on stdout."""
    log = columns(*opened(Path(sys.argv[1]), None, 0), False)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(measure(log)), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
