"""What there is to hear: albums of tracks in latent styles, new ones every day, and styles that come and go."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

ALBUM_TRACKS: Final = 10
NEW_SHARE: Final = 0.2
"""Of the albums, that come out while the simulation runs."""
PURITY: Final = 0.15
"""Of the Dirichlet mixture of styles of an album: most of it lies in one or two styles."""
APPEAL_SD: Final = 0.4
HYPE: Final = 1.5
HYPE_DAYS: Final = 5.0
"""What is new is worth more, and so less every day."""
TREND_SD: Final = 0.4
TREND_KEPT: Final = 0.9
"""Of yesterday's trend (an autoregressive walk): a fashion lasts some ten days."""
TRACK_MS: Final = (120_000, 300_000)


class Catalogue(NamedTuple):
    """`n` tracks; those of an album lie in a row."""

    style: F64  # (n, styles) shares, sum 1
    appeal: F64  # (n,) what anybody hears in it, in logits
    released: I64  # (n,) day; below 0 = before the simulation
    duration_ms: I64  # (n,)
    trend: F64  # (days, styles) in logits

    @property
    def n(self) -> int:
        """Tracks."""
        return len(self.appeal)

    def standing(self, day: int) -> F64:
        """What speaks for each track on that day, whoever listens (n,), in logits; -inf = it is not out yet."""
        age = day - self.released
        hype = HYPE * np.exp(-np.maximum(age, 0) / HYPE_DAYS) * (self.released >= 0)
        return np.where(age >= 0, self.appeal + hype + self.style @ self.trend[day], -np.inf)


def new_catalogue(rng: Generator, n: int, styles: int, days: int) -> Catalogue:
    """Albums of one mixture each."""
    albums = n // ALBUM_TRACKS
    of_album = np.repeat(np.arange(albums), ALBUM_TRACKS)
    out = np.where(rng.random(albums) < NEW_SHARE, rng.integers(0, days, albums), -1)
    return Catalogue(
        style=rng.dirichlet(np.full(styles, PURITY), albums)[of_album],
        appeal=rng.normal(0.0, APPEAL_SD, albums)[of_album] + rng.normal(0.0, APPEAL_SD, len(of_album)),
        released=out[of_album],
        duration_ms=rng.integers(*TRACK_MS, len(of_album)),
        trend=_trend(rng, days, styles),
    )


def _trend(rng: Generator, days: int, styles: int) -> F64:
    walk = np.empty((days, styles))
    now: Any = rng.normal(0.0, TREND_SD, styles)
    for day in range(days):
        walk[day] = now
        now = TREND_KEPT * now + rng.normal(0.0, TREND_SD * np.sqrt(1 - TREND_KEPT**2), styles)
    return walk


def after(track: int, n: int) -> int:
    """The next track of its album, -1 = none.

    >>> after(8, 20), after(9, 20)
    (9, -1)
    """
    return track + 1 if (track + 1) % ALBUM_TRACKS and track + 1 < n else -1
