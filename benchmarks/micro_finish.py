"""The finish model: CPU per lesson and per prediction, and how close it comes to a known truth: `python -m benchmarks.micro_finish`.

Two laws: a straight one (what a user and a track are like adds up) and a bent one that no line can follow. Of each the
truth is known, so the figures say how much was left to learn. "served" is what a plays worker would have said.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from online_models.arrays import F32, F64
from online_models.checks import Lesson
from online_models.contest import log_loss
from online_models.finish import FinishModel
from online_models.finish_features import as_mapping
from online_models.finish_serving import Serving, parse, predict
from tests.lessons_of_known_truth import draw

LESSONS_N: Final = 20_000
ROUNDS_N: Final = 5
ROUND_LESSONS_N: Final = 1_000
SEED: Final = 3


def auc(said: F64, y: F64) -> float:
    """Chance that a finished play was given more than one that was not; ties count half."""
    order = np.argsort(said, kind="stable")
    _, first, counts = np.unique(said[order], return_index=True, return_counts=True)
    rank = np.repeat(first + (counts + 1) / 2, counts)
    positive = y[order] == 1.0
    n_true = float(positive.sum())
    return float((rank[positive].sum() - n_true * (n_true + 1) / 2) / (n_true * (len(y) - n_true)))


def cpu_us(work: Callable[[], object], n: int) -> float:
    """CPU time of this thread per item, us."""
    start_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start_ns) / n / 1000.0


def quality(bent: bool) -> dict[str, object]:
    """Prequential AUC and log-loss of both rivals, of who answers, and of the truth."""
    x, p = draw(LESSONS_N, SEED, bent=bent)
    y = np.random.default_rng(SEED + 1).random(LESSONS_N) < p
    model = FinishModel()
    said: dict[str, list[float]] = {"linear": [], "tree": [], "served": []}
    for i in range(LESSONS_N):
        lesson = as_mapping(x[i])
        for name, told in model.say_one(lesson).items():
            said[name].append(told)
        said["served"].append(model.predict_one(lesson))
        model.learn_one(lesson, bool(y[i]))
    said["truth"] = p.tolist()
    report: dict[str, object] = {"champion": model.champion, "nodes": model.n_nodes}
    for name, all_told in said.items():
        loss = math.fsum(log_loss(q, bool(t)) for q, t in zip(all_told, y, strict=True)) / LESSONS_N
        report[name] = {"auc": round(auc(np.array(all_told), y.astype(np.float64)), 4), "log_loss": round(loss, 4)}
    return report


def costs() -> dict[str, object]:
    """us of CPU per lesson, per prediction of both kinds, and of what a snapshot takes; min and median of the rounds."""
    x, p = draw(LESSONS_N, SEED, bent=True)
    y = np.random.default_rng(SEED + 1).random(LESSONS_N) < p
    lessons = [Lesson(as_mapping(x[i]), bool(y[i])) for i in range(LESSONS_N)]
    model = FinishModel()
    learn(model, lessons[: LESSONS_N - ROUNDS_N * ROUND_LESSONS_N])
    serving = parse(model.serving(1))
    predict(x[0], serving.kind, *serving[3:])
    timed: dict[str, list[float]] = {}
    for n in range(ROUNDS_N):
        first = LESSONS_N - (ROUNDS_N - n) * ROUND_LESSONS_N
        for name, (work, n_items) in works(model, serving, x, lessons[first : first + ROUND_LESSONS_N]).items():
            timed.setdefault(name, []).append(cpu_us(work, n_items))
    sizes = {name: len(part) for name, part in model.snapshot().items()}
    figures = {name: {"min": round(min(t), 2), "median": round(statistics.median(t), 2)} for name, t in timed.items()}
    return {**figures, "snapshot_bytes": sizes, "serving_bytes": len(model.serving(1))}


def works(model: FinishModel, serving: Serving, x: F32, some: Sequence[Lesson]) -> dict[str, tuple[Callable[[], object], int]]:
    """What is timed in one round, and how many items each does."""
    n = len(some)
    return {
        "as_mapping_us": (lambda: [as_mapping(row) for row in x[:n]], n),
        "learn_us_per_lesson": (lambda: learn(model, some), n),
        "river_predict_us": (lambda: [model.predict_one(lesson.x) for lesson in some], n),
        "kernel_predict_us_with_call": (lambda: [predict(row, serving.kind, *serving[3:]) for row in x[:n]], n),
        "snapshot_us": (model.snapshot, 1),
        "snapshot_and_restore_us": (lambda: FinishModel.restore(model.snapshot()), 1),
        "serving_us": (lambda: model.serving(1), 1),
    }


def learn(model: FinishModel, lessons: Sequence[Lesson]) -> None:
    """All of them, in order."""
    for lesson in lessons:
        model.learn_one(*lesson)


def main() -> None:
    """One JSON object on stdout."""
    report = {"lessons": LESSONS_N, "straight_law": quality(bent=False), "bent_law": quality(bent=True), "cpu": costs()}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
