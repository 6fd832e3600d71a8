"""What a listener remembers: base-level activation of ACT-R.

B = ln(sum over the plays of a track of age ** -d). Anderson and Schooler, "Reflections of the environment in memory",
Psychological Science 2(6), 1991; d = 0.5 as there. Recall is the logistic of B, as in Anderson et al., "An integrated
theory of the mind", Psychological Review 111(4), 2004.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.simulator.tracks import F64, I64

DECAY: Final = 0.5
THRESHOLD: Final = -6.0
"""Activation at which half is recalled: one play two days ago, with ages in seconds."""
NOISE: Final = 0.8


class Memory:
    """Plays of one listener."""

    def __init__(self) -> None:
        self._room = 64
        self._n = 0
        self._track: I64 = np.zeros(self._room, np.int64)
        self._at_s: F64 = np.zeros(self._room)

    def hear(self, track: int, at_s: float) -> None:
        """One more play."""
        if self._n == self._room:
            self._room *= 2
            self._track = np.concatenate((self._track, np.zeros_like(self._track)))
            self._at_s = np.concatenate((self._at_s, np.zeros_like(self._at_s)))
        self._track[self._n], self._at_s[self._n] = track, at_s
        self._n += 1

    def activation(self, at_s: float) -> tuple[I64, F64]:
        """Tracks that were played (k,), and the activation of each.

        >>> memory = Memory()
        >>> for track, at_s in ((7, 0.0), (7, 75.0), (3, 96.0)):
        ...     memory.hear(track, at_s)
        >>> tracks, activation = memory.activation(100.0)
        >>> tracks.tolist(), np.exp(activation).round(6).tolist()
        ([3, 7], [0.5, 0.3])
        """
        tracks, which = np.unique(self._track[: self._n], return_inverse=True)
        age_s = np.maximum(at_s - self._at_s[: self._n], 1.0)
        return tracks, np.log(np.bincount(which, age_s**-DECAY, len(tracks)))


def recall(activation: F64) -> F64:
    """The chance that each comes to mind.

    >>> recall(np.array([THRESHOLD, 0.0])).round(3).tolist()
    [0.5, 0.999]
    """
    return np.asarray(1.0 / (1.0 + np.exp((THRESHOLD - activation) / NOISE)))
