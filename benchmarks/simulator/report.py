"""What a simulation says of each contender."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from rich.table import Table

from benchmarks.simulator.run import IN_A_ROW, Record, Size
from benchmarks.simulator.screen import LISTS
from benchmarks.simulator.tracks import F64
from evaluation.bootstrap import ahead

CURVE_PARTS: Final = 7
DIGITS: Final = 5


def figures(record: Record, size: Size) -> dict[str, Any]:
    """One contender, over the second half of the days; per play where nothing else is said."""
    late = record.day >= size.days // 2
    return {
        "plays": int(late.sum()),
        "regret": _mean(regret(record)[late]),
        "hits": _mean((record.taken >= 0)[late]),
        "lists": {name: _of_list(record, which, late) for which, name in enumerate(LISTS)},
        "curve": _curve(record, size),
    }


def regret(record: Record) -> F64:
    """(n,) how much less likely the play came from the lists shown than from the best possible ones."""
    return np.asarray((record.best - record.worth).sum(axis=1))


def _of_list(record: Record, which: int, late: np.ndarray) -> dict[str, float]:
    best, worth = record.best[late, which], record.worth[late, which]
    return {
        "best": _mean(best),
        "worth": _mean(worth),
        "regret": _mean(best - worth),
        "hits": _mean((record.taken == which)[late]),
        "coverage": _mean(record.shown[:, which] > 0),
        "different": _mean(record.different[late & (record.different[:, which] >= 0), which]),
    }


def _curve(record: Record, size: Size) -> list[dict[str, Any]]:
    """Regret within each part of the days."""
    cuts = np.linspace(0, size.days, min(CURVE_PARTS, size.days) + 1).astype(int)
    lost = regret(record)
    parts = [(int(b), (record.day >= a) & (record.day < b)) for a, b in zip(cuts, cuts[1:], strict=False)]
    return [{"until_day": until, "regret": _mean(lost[rows]), "hits": _mean((record.taken >= 0)[rows])} for until, rows in parts]


def _mean(values: np.ndarray) -> float:
    return round(float(np.mean(values)), DIGITS) if len(values) else 0.0


def compared(records: dict[str, Record], size: Size, seed: int) -> dict[str, dict[str, list[float]]]:
    """By how much each contender is ahead of the first: [low, mean, high] of the regret that it saves and of the hits that it has more."""
    (_, first), *others = records.items()
    late = first.day >= size.days // 2
    user = first.user[late]
    return {
        name: {
            "regret_saved": ahead(regret(first)[late], regret(record)[late], user, seed),
            "hits": ahead((record.taken >= 0)[late].astype(float), (first.taken >= 0)[late].astype(float), user, seed),
        }
        for name, record in others
    }


def tables(report: dict[str, Any]) -> list[Table]:
    """For people."""
    size, contenders = report["size"], report["contenders"]
    title = f"{size['users']} users, days {size['days'] // 2} to {size['days']}: true worth of the lists, per play"
    worth = _table(title, "regret", "hits", *(column for name in LISTS for column in (name, "of")))
    variety = _table(
        f"seen: share of all tracks that stood in a list; different: tracks in {IN_A_ROW} lists of a user in a row",
        *(column for name in LISTS for column in (f"{name} seen", "different")),
    )
    for name, found in contenders.items():
        lists = [found["lists"][shelf] for shelf in LISTS]
        truth = (found["regret"], found["hits"], *(of[what] for of in lists for what in ("worth", "best")))
        worth.add_row(name, *(f"{value:.4f}" for value in truth))
        variety.add_row(name, *(cell for of in lists for cell in (f"{of['coverage']:.2f}", f"{of['different']:.0f}")))
    return [worth, variety, _ahead(report)] if report["ahead"] else [worth, variety]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("", *columns):
        table.add_column(column, justify="right" if column else "left")
    return table


def _ahead(report: dict[str, Any]) -> Table:
    first = next(iter(report["contenders"]))
    table = _table(f"ahead of {first} by, with 95 % intervals (paired, resampled by user)", "regret saved", "hits")
    for name, found in report["ahead"].items():
        table.add_row(name, *(f"{mean:+.4f} ({low:+.4f} to {high:+.4f})" for low, mean, high in (found["regret_saved"], found["hits"])))
    return table
