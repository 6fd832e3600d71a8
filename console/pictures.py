"""Pictures: how the hit rate climbs as a log goes on, and where tracks lie. PNG, SVG or PDF, by the file's ending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from console.map_page import COLOURS
from console.trouble import Exit, Trouble
from online_models.arrays import F64

ENDINGS: Final = (".png", ".svg", ".pdf")
LEGEND_MAX: Final = 24
"""Groups that a map's legend names; the smaller ones are counted together."""
GREY: Final = "#999999"


def check_ending(path: Path, command: str) -> None:
    """Raises `Trouble` before any work, where no picture could be written to `path`; `command` would do."""
    if path.suffix.lower() not in ENDINGS:
        raise Trouble(Exit.USAGE, f"{path}: a picture ends in one of {', '.join(ENDINGS)}", command)
    if not path.absolute().parent.is_dir():
        raise Trouble(Exit.USAGE, f"{path}: there is no folder {path.parent}", command)


def learning_curve(report: Mapping[str, Any]) -> Figure:
    """HR@20 and MRR@20 of each part of the log, Segue's and those of the rivals that were measured on all of it."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    curves = {f"Segue, {report['preset']}": report, **{name: it for name, it in report["rivals"].items() if "curve" in it}}
    for axes, measure, title in zip(figure.subplots(1, 2), ("hr20", "mrr20"), ("HR@20", "MRR@20"), strict=True):
        for k, (name, found) in enumerate(curves.items()):
            parts = [part for part in found["curve"] if part[measure] is not None]
            until, values = [part["until"] for part in parts], [part[measure] for part in parts]
            axes.plot(until, values, color=COLOURS[k % len(COLOURS)], linewidth=2.5 if k == 0 else 1.2, label=name)
        axes.set(title=title, xlabel="plays", ylim=(0, None))
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize="small")
    figure.suptitle(f"{report['file']}: each play tested, then learned ({report['tested_are']})", fontsize="medium")
    return figure


def track_map(points: F64, groups: Sequence[str], about: str) -> Figure:
    """Tracks as points (n, 2 or 3), coloured by group, the largest groups first."""
    dims = points.shape[1]
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.add_subplot(projection="3d" if dims == 3 else None)
    group = np.array(groups)
    sizes = Counter(groups).most_common()
    for k, (name, n) in enumerate(sizes[:LEGEND_MAX]):
        _scatter(axes, points[group == name], COLOURS[k % len(COLOURS)], f"{name} ({n:,})")
    rest = sizes[LEGEND_MAX:]
    if rest:
        others = np.isin(group, [name for name, _ in rest])
        _scatter(axes, points[others], GREY, f"{len(rest)} others ({others.sum():,})")
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(about, fontsize="medium")
    figure.legend(loc="outside right upper", fontsize="small", markerscale=4, frameon=False)
    return figure


def _scatter(axes: Any, points: F64, colour: str, label: str) -> None:
    axes.scatter(*points.T, s=3, linewidths=0, color=colour, label=label)


def write(figure: Figure, path: Path, command: str) -> None:
    """Raises `Trouble` where the file cannot be written; `command` would do."""
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise Trouble(Exit.USAGE, f"{path} cannot be written: {error.strerror}", command) from error
