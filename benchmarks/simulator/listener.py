"""A listener: tastes, moods, what they remember; what they want now, and what they play when no list helps."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks.simulator.memory import Memory, recall
from benchmarks.simulator.tracks import F64, Catalogue, after

TASTE: Final = 0.25
"""Of the Dirichlet mixture of styles that a listener likes: three or four of them."""
MOOD_SHARE: Final = 0.75
"""Of what is wanted in a session, that its mood (one style) decides; the rest is the taste."""
REPEATS: Final = (2.0, 6.0)
"""Of the Beta distribution of the share of own picks that are heard again."""

NOT_WANTED: Final = -4.5
MATCH: Final = 5.5
REMEMBERED: Final = 2.0
FOLLOWS: Final = 2.0
"""Logits of what is wanted: of nothing in particular; for a track all of whose style fits; recalled for sure; next on the album."""
HEARD_SHARE: Final = 0.1
"""Of what was wanted of a track that was heard in this session."""
ALBUM_GOES_ON_SHARE: Final = 0.3
KNOWN_POWER: Final = 0.3
"""What many play is found by more: plays to this power."""
DRAWS: Final = 6
"""Random numbers of a play, whatever becomes of it: so all contenders meet the same chances."""


class Listener:
    """One of them.

    Parameters
    ----------
    rng: theirs alone.
    """

    def __init__(self, rng: Generator, catalogue: Catalogue) -> None:
        self._rng, self._catalogue = rng, catalogue
        styles = catalogue.style.shape[1]
        self.taste: F64 = rng.dirichlet(np.full(styles, TASTE))
        self._repeats_share = float(rng.beta(*REPEATS))
        self.memory = Memory()
        self.fresh: F64 = np.ones(catalogue.n)
        """(n,) 1 = never heard."""
        self._standing: F64 = np.zeros(catalogue.n)
        self._heard: list[int] = []

    def open_session(self, day: int) -> None:
        """Another mood."""
        mood = np.zeros(len(self.taste))
        mood[self._rng.choice(len(mood), p=self.taste)] = 1.0
        wanted = MOOD_SHARE * mood + (1 - MOOD_SHARE) * self.taste
        self._standing = NOT_WANTED + MATCH * (self._catalogue.style @ wanted) + self._catalogue.standing(day)
        self._heard = []

    def draws(self) -> F64:
        """The chances of the next play (DRAWS,)."""
        return self._rng.random(DRAWS)

    def wants(self, at_s: float) -> F64:
        """The chance that each track (n,) is taken when it is looked at, now: its true affinity."""
        logit = self._standing.copy()
        known, activation = self.memory.activation(at_s)
        logit[known] += REMEMBERED * recall(activation)
        following = after(self._heard[-1], self._catalogue.n) if self._heard else -1
        if following >= 0:
            logit[following] += FOLLOWS
        wanted = 1.0 / (1.0 + np.exp(-logit))
        wanted[self._heard] *= HEARD_SHARE
        return np.asarray(wanted)

    def picks(self, wanted: F64, plays: F64, at_s: float, chance: F64) -> int:
        """What they play by themself: on along the album, something again, or what they find; `chance` (3,) decides."""
        following = after(self._heard[-1], self._catalogue.n) if self._heard else -1
        if following >= 0 and np.isfinite(self._standing[following]) and chance[0] < ALBUM_GOES_ON_SHARE:
            return following
        known, activation = self.memory.activation(at_s)
        if len(known) and chance[1] < self._repeats_share:
            weight = np.exp(activation) * wanted[known]
            return int(known[_drawn(weight, chance[2])])
        return _drawn(wanted**2 * (1.0 + plays) ** KNOWN_POWER, chance[2])

    def hears(self, track: int, at_s: float) -> None:
        """One play."""
        self.memory.hear(track, at_s)
        self.fresh[track] = 0.0
        self._heard.append(track)


def _drawn(weight: F64, chance: float) -> int:
    """A place of `weight` (k,), drawn in proportion to it.

    >>> [_drawn(np.array([1.0, 0.0, 3.0]), chance) for chance in (0.0, 0.24, 0.26, 0.99)]
    [0, 0, 2, 2]
    """
    total = weight.cumsum()
    return int(np.searchsorted(total, chance * total[-1], side="right"))
