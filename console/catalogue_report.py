"""The report of `segue evaluate catalogue` as tables for people."""

from __future__ import annotations

from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table

from console.evaluation_report import figures

Found = dict[str, Any]
TITLES: Final = {"audio": "sound and release date alone", "all": "with names and popularity"}
ALIKE_SHOWN: Final = 12


def tables(report: Found) -> list[RenderableType]:
    """All of it, in the order of reading."""
    parts: list[RenderableType] = [
        f"{report['tracks']:,} tracks of {len(report['genres'])} genres ({', '.join(report['genres'])}); "
        f"the last {report['tested']:,} of each of {len(report['seeds'])} orders, tested before they are learned; "
        "nats: log-loss, ECE: calibration error, ms: CPU per lesson, ahead by: the ensemble's accuracy, with a 95 % interval"
    ]
    for sight in TITLES:
        rivals = {name: found[sight] for name, found in report["rivals"].items()}
        parts.append(_quality(sight, {"ensemble": report["ensemble"][sight], **report["members"][sight], **rivals}))
    parts.append(_frontier(report["frontier"]))
    if "ablation" in report:
        parts += [_ablation(report["ablation"]), _information(report["selection"]), _alike(report["selection"])]
    parts.append(
        f"accuracy {report['accuracy_audio']:.4f} by sound, {report['accuracy_all']:.4f} with names; "
        f"{report['ms_per_lesson']:.2f} ms of CPU per lesson (asked, then taught)"
    )
    return parts


def _quality(sight: str, rows: dict[str, Found]) -> Table:
    """Where there are several orders, the spread is that between the worst and the best."""
    table = figures(TITLES[sight], "accuracy", "spread", "nats", "ECE", "ms", "ahead by", "from", "to")
    for name, found in rows.items():
        accuracy, (low, mean, high) = found["accuracy"], found.get("ensemble_ahead", (None, None, None))
        table.add_row(
            name,
            f"{accuracy['mean']:.4f}",
            f"{accuracy['most'] - accuracy['least']:.4f}",
            f"{found['log_loss']['mean']:.3f}",
            f"{found['calibration_error']['mean']:.3f}",
            f"{found['ms']['mean']:.2f}",
            *("" if value is None else f"{value:+.4f}" for value in (mean, low, high)),
        )
    return table


def _frontier(rows: list[Found]) -> Table:
    table = figures("accuracy by cost: nobody cheaper is as accurate", "accuracy", "ms")
    for row in rows:
        if row["on_frontier"]:
            table.add_row(f"{row['sight']}: {row['name']}", f"{row['accuracy']:.4f}", f"{row['ms']:.2f}")
    return table


def _ablation(rows: list[Found]) -> Table:
    table = figures("what each group adds: the ensemble without it", "accuracy", "lost", "log-loss, nats")
    for row in rows:
        table.add_row(row["without"], f"{row['accuracy']:.4f}", f"{row['lost']:+.4f}", f"{row['log_loss']:.3f}")
    return table


def _information(found: Found) -> Table:
    table = figures("what each feature tells of the genre, and of one more like it", "bits", "closest", "correlation")
    for row in found["features"]:
        table.add_row(row["name"], f"{row['bits']:.3f}", row["closest"], f"{row['correlation']:+.2f}")
    return table


def _alike(found: Found) -> str:
    groups = [" = ".join(group) for group in found["alike"][:ALIKE_SHOWN]]
    return "features that say the same: " + ("; ".join(groups) or "none")
