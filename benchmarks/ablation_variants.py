"""The ranker without one part: what is taken away, and how, without a word of it in the ranker's own code.

Most parts go by data alone, so the kernels are the very ones that serve: a source that may read nothing adds nothing, and a
weight whose sum of squared steps is infinite never moves from 0, which is what a feature that is always 0 would do to it, to the last
bit. Two sources have no bound on what they read: their `add` gives way to a kernel that does nothing, before anything is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.micro_rank import Popular
from online_models import two_stage
from online_models.arrays import F32, I32, I64
from online_models.context import N_TRUST
from online_models.features import FEATURES, MIXTURE, MORE
from online_models.items import WINDOW
from online_models.kernel import CACHE, kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool
from online_models.presets import Preset
from online_models.signals import SIGNALS
from online_models.sources import own, session
from online_models.track_state import TrackArrays
from online_models.weights import Weights, new_weights


class Setup(NamedTuple):
    """What a variant may change before the first play."""

    preset: Preset
    weights: Weights
    popular: Popular


class Variant(NamedTuple):
    """The ranker without one part."""

    what: str
    """What is taken away."""
    change: Callable[[Setup], Setup] = lambda setup: setup
    replaced: ModuleType | None = None
    """The source whose `add` does nothing."""
    saves: bool = True
    """The part's work is not done either; else its numbers are worked out and come to nothing."""


class NothingPopular(Popular):
    """No track is popular."""

    def after(self, tracks: TrackArrays, played: I32) -> tuple[I64, F32]:
        """Nothing."""
        return np.zeros(0, np.int64), np.zeros(0, np.float32)


@kernel
def nothing(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """A source that knows no track."""


def bounded(**fields: Any) -> Callable[[Setup], Setup]:
    """Other bounds of what is read."""
    return lambda setup: setup._replace(preset=setup.preset._replace(**fields))


def hold(names: Iterable[str]) -> Callable[[Setup], Setup]:
    """The weights of these features of stage 2, and of their squares, stay 0."""
    named = set(names)
    held = [f for f, name in enumerate(FEATURES) if name.removesuffix("_squared") in named or name in named]

    def change(setup: Setup) -> Setup:
        setup.weights.bilinear.weight[:, held] = 0.0
        setup.weights.bilinear.square[:, held] = np.inf
        return setup

    return change


def silence(signal: str) -> Callable[[Setup], Setup]:
    """Stage 1 does not trust the signal at all, and what stage 2 makes of it stays 0."""
    held = hold([signal])

    def change(setup: Setup) -> Setup:
        k = SIGNALS.index(signal)
        setup.weights.gate.weight[k, 0] = NO_TRUST
        setup.weights.gate.square[k] = np.inf
        return held(setup)

    return change


def without_certainty(setup: Setup) -> Setup:
    """Stage 2 reads the contexts of stage 1 alone."""
    setup.weights.bilinear.square[N_TRUST:] = np.inf
    return setup


def without_context(setup: Setup) -> Setup:
    """Both stages trust every signal and feature alike, whatever the moment: the entry `always` alone is learned."""
    setup.weights.gate.square[:, 1:] = np.inf
    setup.weights.bilinear.square[1:] = np.inf
    return setup


def without_stage_2(setup: Setup) -> Setup:
    """The order of stage 1, as exactly as its logarithm says it (.0004)."""
    weight, square = setup.weights.bilinear
    weight[:] = 0.0
    weight[0, MIXTURE] = 1.0
    square[:] = np.inf
    return setup


NO_TRUST: Final = -1e6
"""A logarithm: no float32 is small enough for such a share."""
KINDRED: Final = ("kindred", "kindred_of_best")
OF_BEST: Final = tuple(name for name in MORE if name.endswith("_of_best") and name not in KINDRED)
COSINES: Final = ("like_last", "like_session", "like_user")
OF_THE_TRACK: Final = ("plays", "popular_now", "trend", "is_source")
TOGETHER: Final = tuple(name for name in MORE if name not in (*OF_BEST, *COSINES, *OF_THE_TRACK, *KINDRED, "mixture"))

WHOLE: Final = "whole"
VARIANTS: Final = {
    WHOLE: Variant("nothing"),
    "neighbouring": Variant("source: what people play around the last tracks", bounded(read=(0,) * WINDOW)),
    "alike": Variant("source: sessions that share tracks with this one", bounded(visits_read=(0,) * WINDOW)),
    "own": Variant("source: the user's own past", replaced=own),
    "own-near": Variant("signal: what the user played near these tracks in earlier sessions", silence("own_near"), saves=False),
    "session": Variant("source: what this session already played", replaced=session),
    "past": Variant("source: what people play around the user's earlier tracks", bounded(past=(0, 0))),
    "popular": Variant("source: what everybody plays", lambda setup: setup._replace(popular=NothingPopular(np.zeros(0, np.int64)))),
    "stage-2": Variant("stage 2: the mixture's order alone", without_stage_2, saves=False),
    "context": Variant("context, in both stages", without_context, saves=False),
    "certainty": Variant("context of stage 2 alone: how well user and moment are known", without_certainty, saves=False),
    "cosines": Variant("features: cosines of the track's vector, and their squares", hold(COSINES), saves=False),
    "kindred": Variant("features: what the listeners of the user's newest tracks play", hold(KINDRED), saves=False),
    "squares": Variant("features: squares", hold(name for name in FEATURES if name.endswith("_squared")), saves=False),
    "proportions": Variant("features: proportions to the best candidate", hold((*OF_BEST, "window_and_near")), saves=False),
    "track": Variant("features: plays and popularity of the track, and their squares", hold(OF_THE_TRACK), saves=False),
    "together": Variant("features: several signals together, and their squares", hold(TOGETHER), saves=False),
}
"""By name; the first is what the others are held against."""


def replace(variant: Variant) -> None:
    """Replace what the variant replaces, in this process, for good.

    Raises
    ------
    RuntimeError : kernels that call it are compiled already, or are kept where the usual ones lie
    """
    if variant.replaced is not None:
        gather: Any = two_stage.gather
        if gather.signatures or Path(gather.stats.cache_path).is_relative_to(CACHE):
            raise RuntimeError(
                f"{variant.replaced.__name__}.add is replaced in a process and with a folder of its own: see benchmarks/ablated.py"
            )
        variant.replaced.add = nothing  # type: ignore[attr-defined]


def set_up(variant: Variant, preset: Preset, key_of: I64) -> Setup:
    """The variant before its first play of tracks with the hashes `key_of`."""
    return variant.change(Setup(preset, new_weights(), Popular(key_of)))
