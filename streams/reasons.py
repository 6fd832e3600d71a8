"""Why a track stands in a list, or does not: parts that add up, and plays without which it would be less likely.

What brought a candidate is known: each source notes the plays that it went out from. Whether a play speaks *for* it is
tried: the ranking is made again as if the user had not played that track. Only plays that lower its chance are named as its cause.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models import signals
from online_models.arrays import F32
from online_models.features import FEATURES
from online_models.moment import PAST_BIT
from online_models.signals import SIGNALS, SOURCE_OF, SOURCES
from streams.small_ranking import Ranked, SmallRanking

SESSION, EARLIER, ITSELF = "just now in this session", "before that", "the track itself"
CAUSES: Final = 2
"""Of an entry of a list."""
LEANS: Final = ("genre_share", "micro_share")
"""Features that come of where the candidate belongs."""
OF_ITSELF: Final = slice(signals.OWN_NEXT, signals.SESSION_TIMES + 1)
"""Signals that come of the user's own plays of the candidate."""


class Cause(NamedTuple):
    """A track whose plays brought the candidate."""

    track: int
    how: str
    plays_s: list[int]
    """When it was played, as far as the history goes back: epoch s, newest first."""
    chance_without: float
    """Chance of the candidate had the user not played this track; 0 = nothing would propose it."""


class Part(NamedTuple):
    """What a signal gives of stage 1's score: `trust` x `value` / all candidates' `value`."""

    signal: str
    source: str
    value: float
    trust: float
    gives: float


class Feature(NamedTuple):
    """What a feature gives of stage 2's score in this context, and how much more that is than for the average candidate."""

    feature: str
    value: float
    weight: float
    gives: float
    ahead: float


class Lean(NamedTuple):
    """Where a candidate belongs, and how much of that the user hears."""

    cluster: int
    """Of its micro-genre."""
    genre_share: float
    """Of what they heard of late, newer plays counting more."""
    micro_share: float
    """Of the session's last tracks."""
    ahead: float
    """What both give of stage 2's score, more than for the average candidate."""


class Reasons(NamedTuple):
    """All that can be said of a candidate."""

    chance: float
    parts: list[Part]
    """The weightiest first; their `gives` add up to the score of stage 1."""
    features: list[Feature]
    """Those that put it ahead or behind most first; [] where stage 1 did not let it through to stage 2."""
    lean: Lean | None
    """None = nobody knows where it belongs, or stage 2 did not see it."""
    because: list[Cause]
    """Without any one of them it would be less likely, without all of them still less."""
    also: list[Cause]
    """These brought it too, but they speak for others still more, or only together with what is named."""
    chance_without: float
    """Without all of `because`; 0 = nothing would propose it."""


def parts_of(found: Ranked, i: int) -> list[Part]:
    """What each signal gave candidate `i`."""
    given = found.part * found.signal[:, i]
    order = [k for k in np.argsort(-given, kind="stable").tolist() if given[k] > 0]
    return [Part(SIGNALS[k], SOURCES[SOURCE_OF[k]], float(found.signal[k, i]), float(found.share[k]), float(given[k])) for k in order]


def features_of(found: Ranked, i: int) -> list[Feature]:
    """What each feature gave candidate `i`, beside what it gave the others, the likelier the more they count."""
    places = np.flatnonzero(found.chosen == i)
    if not len(places):
        return []
    m = int(places[0])
    given = found.weight[:, None] * found.x
    ahead = given[:, m] - given @ _softmax(given.sum(0))
    order = [f for f in np.argsort(-np.abs(ahead), kind="stable").tolist() if given[f, m] or ahead[f]]
    return [Feature(FEATURES[f], float(found.x[f, m]), float(found.weight[f]), float(given[f, m]), float(ahead[f])) for f in order]


def lean_of(found: Ranked, i: int, features: list[Feature]) -> Lean | None:
    """How much of candidate `i`'s genre the user hears, and what `features_of` says that it gives."""
    places = np.flatnonzero(found.chosen == i)
    if not len(places) or found.cluster[places[0]] < 0:
        return None
    m = int(places[0])
    ahead = sum(feature.ahead for feature in features if feature.feature in LEANS)
    genre_share, micro_share = found.leans[m].tolist()
    return Lean(int(found.cluster[m]), genre_share, micro_share, ahead)


def _softmax(score: F32) -> F32:
    grown: F32 = np.exp(score - score.max())
    grown /= grown.sum()
    return grown


def brought_by(found: Ranked, i: int) -> dict[int, str]:
    """Tracks whose plays brought candidate `i`, and which those are: this session's newest first."""
    via = int(found.via[i])
    causes = {int(key): SESSION for k, key in enumerate(found.session) if via >> k & 1}
    if found.signal[signals.MADE, i] > 0:
        # Without the last one, the one before it would bring what else their artist made.
        causes.update((int(key), SESSION) for key in found.of_artist)
    for k, key in enumerate(found.past):
        if via >> (PAST_BIT + k) & 1:
            causes.setdefault(int(key), EARLIER)
    if found.signal[OF_ITSELF, i].any():
        causes[int(found.key[i])] = ITSELF
    return causes


def source_of(found: Ranked, i: int) -> int:
    """Which of `SOURCES` a list names for candidate `i`: what gave most of what stage 1 thinks of it, or a like."""
    if int(found.via[i]) >> signals.LIKED_BIT & 1:
        return signals.LIKED_SOURCE
    return int(np.bincount(SOURCE_OF, found.part * found.signal[:, i], len(SOURCES)).argmax())


def causes_of(found: Ranked, i: int) -> list[int]:
    """What a list names as the causes of candidate `i`: at most `CAUSES` tracks that brought it, newest first, untried."""
    source = source_of(found, i)
    if source in (signals.POPULAR_SOURCE, signals.LIKED_SOURCE):
        return []
    via = int(found.via[i])
    session = [int(track) for k, track in enumerate(found.session) if via >> k & 1 and source != signals.PAST]
    past = [int(track) for k, track in enumerate(found.past) if via >> (PAST_BIT + k) & 1]
    first = [int(found.key[i])] if source == signals.AGAIN_SOURCE else []
    return list(dict.fromkeys([*first, *session, *past]))[:CAUSES]


async def reasons_for(world: SmallRanking, found: Ranked, i: int) -> Reasons:
    """Why candidate `i` of the ranking `found` of the world's user is as likely as it is."""
    trial, features = _Trial(world, found, i), features_of(found, i)
    named = [Cause(track, how, trial.times(track), await trial.chance_without([track])) for track, how in brought_by(found, i).items()]
    because = await trial.speaking(named)
    return Reasons(
        chance=float(found.chance[i]),
        parts=parts_of(found, i),
        features=features,
        lean=lean_of(found, i, features),
        because=because,
        also=[cause for cause in named if cause not in because],
        chance_without=await trial.chance_without([cause.track for cause in because]) if because else float(found.chance[i]),
    )


class _Trial:
    """Rankings as if some tracks had not been played."""

    def __init__(self, world: SmallRanking, found: Ranked, i: int) -> None:
        self._world, self._key, self._chance = world, int(found.key[i]), float(found.chance[i])
        world.put_back()
        tracks, at_s, _ = world.history
        self._tracks, self._at_s = tracks.copy(), at_s.copy()

    def times(self, track: int) -> list[int]:
        at_s: list[int] = self._at_s[self._tracks == track][::-1].tolist()
        return at_s

    async def chance_without(self, tracks: list[int]) -> float:
        without = await self._world.rank_without(np.isin(self._tracks, tracks))
        i = without.place(self._key)
        return float(without.chance[i]) if i >= 0 else 0.0

    async def speaking(self, named: list[Cause]) -> list[Cause]:
        """Those whose plays speak for the candidate: each lowers its chance further, whoever lowers it most first.

        Where no track alone does, because each of them would do, all of them together may.
        """
        chance, chosen = self._chance, list[Cause]()
        for cause in sorted(named, key=lambda c: c.chance_without):
            if chosen and chance == 0.0:
                break
            without = await self.chance_without([*(c.track for c in chosen), cause.track])
            if without < chance:
                chance = without
                chosen.append(cause)
        if not chosen and named and await self.chance_without([c.track for c in named]) < self._chance:
            return named
        return [cause for cause in named if cause in chosen]
