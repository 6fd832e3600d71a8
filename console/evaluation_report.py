"""The report of an evaluation as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.table import Table

COLUMNS = ("hr1", "hr10", "hr20", "mrr20", "ndcg10")
AHEAD = ("hr20", "mrr20")
LISTS = {"coverage": "coverage", "track_gini": "Gini of tracks", "artist_gini": "Gini of artists", "novelty_bits": "novelty, bits"}

Found = dict[str, Any]


def tables(report: Found) -> list[RenderableType]:
    """All of it, in the order of reading."""
    rows = {"Segue": report, **report["rivals"]}
    parts: list[RenderableType] = [_quality(f"from row {report['eval_from']:,}: {report['tested']:,} {report['tested_are']}", rows)]
    if report["rivals"]:
        parts.append(_ahead(report["rivals"]))
    whole = {name: found["whole"] for name, found in rows.items() if "whole" in found}
    if whole:
        parts.append(_quality(f"the whole log: {report['whole']['tested']:,} {report['tested_are']}", whole))
    parts += [_split(split, rows) for split in report["splits"]]
    parts.append(_lists(rows))
    if "through_kafka" in report:
        parts.append(_live(report["through_kafka"]))
    return [
        *parts,
        f"{report['preset']}: learn and rank {report['us_per_play']:.1f} us of CPU per play, "
        f"the whole pipeline {report['pipeline_us_per_play']:.1f} us in rounds of {report['round_plays']}; "
        + (f"{report['explore_share']:.0%} of `discover` explored" if report["explore_share"] else "without exploration"),
    ]


def _live(found: Found) -> str:
    """The same plays on real services."""
    quality, differences = found["quality"], found["differences"]
    both = ", ".join(f"{label(name)} {quality[name]:.4f} ({differences[name]:+.4f})" for name in AHEAD)
    return f"through Kafka and Redis: {found['applied']:,} plays applied, {quality['plays']:,} tested, {both}"


def figures(title: str, *columns: str) -> Table:
    """A table with a name to the left of each row of figures."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _quality(title: str, rows: dict[str, Found]) -> Table:
    columns = [name for name in ("recall10", *COLUMNS) if name in next(iter(rows.values()))]
    table = figures(title, *map(label, columns))
    tested = max(found["tested"] for found in rows.values())
    for contender, found in rows.items():
        sample = "" if found["tested"] == tested else f" (a sample of {found['tested']:,})"
        table.add_row(contender + sample, *(shown(found[name]) for name in columns))
    return table


def _ahead(rivals: dict[str, Found]) -> Table:
    """By how much Segue leads each, with intervals."""
    columns = [name for name in ("recall10", *AHEAD) if name in next(iter(rivals.values()))["ahead"]]
    table = figures("Segue is ahead by, with 95 % intervals (paired, resampled by user)", *map(label, columns))
    for rival, found in rivals.items():
        table.add_row(rival, *(interval(found["ahead"][name]) for name in columns))
    return table


def _split(split: str, rows: dict[str, Found]) -> Table:
    """HR@20 of each contender by class."""
    split_rows = {name: found["splits"][split] for name, found in rows.items() if "splits" in found}
    table = figures(f"HR@20 by {split}", "plays", *split_rows)
    for name, found in split_rows["Segue"].items():
        table.add_row(name, f"{found['tested']:,}", *(shown(classes[name]["hr20"]) for classes in split_rows.values()))
    return table


def _lists(rows: dict[str, Found]) -> Table:
    """What the tested lists show of the catalogue."""
    there = [name for name in LISTS if name in rows["Segue"]["lists"]]
    table = figures("what the lists show", *(LISTS[name] for name in there))
    for contender, found in rows.items():
        if found.get("lists"):
            table.add_row(contender, *(shown(found["lists"][name]) for name in there))
    return table


def interval(found: list[float]) -> str:
    """A difference and its interval.

    >>> interval([0.0712, 0.0762, 0.0811])
    '+0.0762 (+0.0712 to +0.0811)'
    """
    return f"{found[1]:+.4f} ({found[0]:+.4f} to {found[2]:+.4f})"


def label(name: str) -> str:
    """How a measure is written.

    >>> label("hr20"), label("mrr20"), label("ndcg10"), label("recall10")
    ('HR@20', 'MRR@20', 'nDCG@10', 'Recall@10')
    """
    letters = name.rstrip("0123456789")
    return {"ndcg": "nDCG", "recall": "Recall"}.get(letters, letters.upper()) + "@" + name[len(letters) :]


def shown(value: float | None) -> str:
    """Four digits; a dash where nothing was tested."""
    return "-" if value is None else f"{value:.4f}"
