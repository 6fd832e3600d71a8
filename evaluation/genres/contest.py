"""Ensemble, members and rivals over the same tracks in the same shuffled orders; the second half of each order is reported.

Every track is one lesson: asked for, then told. Seeds shuffle; intervals are paired bootstraps of the difference in accuracy, with
a track that several orders test going together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from time import thread_time
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from evaluation.bootstrap import ahead
from evaluation.genres.chances import hits, measures
from evaluation.genres.rivals import Rival
from evaluation.genres.timed import Timed
from online_models.arrays import F32, F64, I64
from online_models.cleaning.verdicts import Value
from online_models.genres.inputs import AUDIO, EVERYTHING, Sight
from online_models.genres.model import GenreModel

SIGHTS: Final[dict[str, Sight]] = {"audio": AUDIO, "all": EVERYTHING}
ENSEMBLE: Final = "ensemble"
WARM_UP_N: Final = 20
"""Lessons of a model of its own, before anything is timed: kernels compile at the first."""
BOOTSTRAP_SEED: Final = 1

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class Track(NamedTuple):
    """One lesson."""

    values: Mapping[str, Value]
    genre: str


class Contender(Protocol):
    """Who tells genres."""

    def learn_one(self, values: Mapping[str, Value], genre: str) -> None: ...

    def predict_proba_one(self, values: Mapping[str, Value]) -> dict[str, float]: ...


class Order(NamedTuple):
    """One shuffle of the tracks."""

    tracks: I64
    """(n,) numbers of the tracks, as they come."""
    truth: I64
    """(n,) numbers of their genres."""
    reported: slice
    """The second half."""


class Run(NamedTuple):
    """What one contender said in one order."""

    chances: F32
    """(reported, genres)"""
    ms: float
    """CPU of asking and telling, per lesson."""


Runs = dict[str, list[Run]]
"""Of each contender, in the order of the seeds."""


def orders(tracks: Sequence[Track], seeds: Sequence[int]) -> list[Order]:
    """A shuffle per seed."""
    genres = sorted({track.genre for track in tracks})
    number = {genre: n for n, genre in enumerate(genres)}
    truth = np.array([number[track.genre] for track in tracks], np.int64)
    shuffles = [np.random.default_rng(seed).permutation(len(tracks)) for seed in seeds]
    return [Order(shuffle, truth[shuffle], slice(len(tracks) // 2, len(tracks))) for shuffle in shuffles]


def evaluate(tracks: Sequence[Track], seeds: Sequence[int], rivals: Sequence[str], steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it."""
    genres, shuffles = sorted({track.genre for track in tracks}), orders(tracks, seeds)
    found = {name: _runs(name, sight, tracks, genres, shuffles, rivals, steps) for name, sight in SIGHTS.items()}
    report = {name: _report(runs, shuffles, rivals) for name, runs in found.items()}
    return {
        "tracks": len(tracks),
        "tested": len(tracks) - len(tracks) // 2,
        "genres": genres,
        "seeds": list(seeds),
        "accuracy_audio": report["audio"][ENSEMBLE]["accuracy"]["mean"],
        "accuracy_all": report["all"][ENSEMBLE]["accuracy"]["mean"],
        "ms_per_lesson": report["all"][ENSEMBLE]["ms"]["mean"],
        "rivals": {rival: {name: report[name][rival] for name in SIGHTS} for rival in rivals},
        "ensemble": {name: report[name][ENSEMBLE] for name in SIGHTS},
        "members": {name: _members(report[name], rivals) for name in SIGHTS},
        "frontier": frontier(report),
    }


def _members(report: dict[str, Any], rivals: Sequence[str]) -> dict[str, Any]:
    return {name: found for name, found in report.items() if name not in (*rivals, ENSEMBLE)}


def _runs(
    name: str, sight: Sight, tracks: Sequence[Track], genres: Sequence[str], shuffles: Sequence[Order], rivals: Sequence[str], steps: Steps
) -> Runs:
    _warm_up(sight, tracks)
    runs: Runs = {}
    for order in shuffles:
        with steps(f"{name}: ensemble", len(tracks)) as show:
            for who, run in ensemble_run(sight, tracks, genres, order, show).items():
                runs.setdefault(who, []).append(run)
        for rival in rivals:
            with steps(f"{name}: {rival}", len(tracks)) as show:
                chances, ms = play(Rival(rival, sight), tracks, genres, order, show)
                runs.setdefault(rival, []).append(Run(chances[0, order.reported], ms))
    return runs


def _warm_up(sight: Sight, tracks: Sequence[Track]) -> None:
    model = GenreModel(sight)
    for track in tracks[:WARM_UP_N]:
        model.learn_one(track.values, track.genre)
        model.predict_proba_one(track.values)


def ensemble_run(sight: Sight, tracks: Sequence[Track], genres: Sequence[str], order: Order, show: Callable[[int], None]) -> dict[str, Run]:
    """The ensemble's run, and each member's from within it: alone a member would cost its own share and the inputs."""
    model = GenreModel(sight)
    timed = {name: Timed(member) for name, member in model.members.items()}
    model.members.update(timed)
    chances, ms = play(model, tracks, genres, order, show, (ENSEMBLE, *timed))
    alone = {name: 1000.0 * member.spent_s / len(tracks) for name, member in timed.items()}
    shared = ms - sum(alone.values())
    costs = {ENSEMBLE: ms, **{name: shared + own for name, own in alone.items()}}
    return {name: Run(chances[n, order.reported], costs[name]) for n, name in enumerate(costs)}


def play(
    contender: Contender,
    tracks: Sequence[Track],
    genres: Sequence[str],
    order: Order,
    show: Callable[[int], None],
    names: Sequence[str] = (),
) -> tuple[F32, float]:
    """Chances (voices, tracks, genres) said before each lesson, and ms of CPU per lesson.

    `names` are voices within the contender. One that has nothing to say yet finds all genres alike.
    """
    chances, spent_s = np.full((max(1, len(names)), len(tracks), len(genres)), 1.0 / len(genres), np.float32), 0.0
    for n, track in enumerate(order.tracks.tolist()):
        values, genre = tracks[track]
        began_s = thread_time()
        said = _ask(contender, values, names)
        contender.learn_one(values, genre)
        spent_s += thread_time() - began_s
        for voice, found in enumerate(said):
            if found:
                chances[voice, n] = [found.get(name, 0.0) for name in genres]
        show(n + 1)
    return chances, 1000.0 * spent_s / len(tracks)


def _ask(contender: Contender, values: Mapping[str, Value], names: Sequence[str]) -> list[dict[str, float]]:
    if not isinstance(contender, GenreModel):
        return [contender.predict_proba_one(values)]
    said = contender.say_one(values)
    return [said.get(name, {}) for name in names]


def _report(runs: Runs, shuffles: Sequence[Order], rivals: Sequence[str]) -> dict[str, Any]:
    truths = [order.truth[order.reported] for order in shuffles]
    report: dict[str, Any] = {}
    for name, found in runs.items():
        by_seed = [measures(run.chances, truth) | {"ms": run.ms} for run, truth in zip(found, truths, strict=True)]
        report[name] = {measure: spread([row[measure] for row in by_seed]) for measure in by_seed[0]}
    tested = np.concatenate([order.tracks[order.reported] for order in shuffles])
    right = {name: _right(found, truths) for name, found in runs.items()}
    for name in runs:
        if name != ENSEMBLE:
            report[name]["ensemble_ahead"] = ahead(right[ENSEMBLE], right[name], tested, BOOTSTRAP_SEED)
    return report


def _right(runs: Sequence[Run], truths: Sequence[I64]) -> F64:
    return np.concatenate([hits(run.chances, truth) for run, truth in zip(runs, truths, strict=True)])


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, least and most over the seeds, and each.

    >>> spread([0.5, 0.7])
    {'mean': 0.6, 'least': 0.5, 'most': 0.7, 'by_seed': [0.5, 0.7]}
    """
    return {
        "mean": round(float(np.mean(values)), 5),
        "least": round(min(values), 5),
        "most": round(max(values), 5),
        "by_seed": [round(value, 5) for value in values],
    }


def frontier(report: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Everybody by sight and cost, and whether nobody cheaper of that sight is as accurate."""
    return [row for name, contenders in report.items() for row in _best_first(name, contenders)]


def _best_first(sight: str, contenders: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    best = 0.0
    for name, found in sorted(contenders.items(), key=lambda item: (item[1]["ms"]["mean"], item[0])):
        accuracy = found["accuracy"]["mean"]
        yield {"sight": sight, "name": name, "ms": found["ms"]["mean"], "accuracy": accuracy, "on_frontier": accuracy > best}
        best = max(best, accuracy)
