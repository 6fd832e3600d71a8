"""The report of micro-genres and text clusters as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.table import Table

MEASURES = {
    "number": "clusters",
    "ami": "adjusted mutual information",
    "ami_at_arrival": "  of clusters at arrival",
    "ami_now": "  by all that is known at the end",
    "orders_agree": "orders agree (adjusted Rand)",
    "kept_share": "tracks that keep their cluster",
    "events_per_cluster": "births, splits, merges per cluster",
    "ms_per_track": "ms of CPU per track",
}

Found = dict[str, Any]


def tables(report: Found) -> list[RenderableType]:
    """All of it, in the order of reading."""
    variants, texts = report["variants"], {"texts": report["texts"]}
    title = f"{report['tracks']:,} tracks, {report['targets']} names of {report['target']}; mean of seeds {report['seeds']} (least to most)"
    every = variants | texts
    return [
        _measures(title, every),
        _rivals(variants),
        _rivals(texts),
        *(_clusters(name, found["clusters"]) for name, found in every.items()),
    ]


def _measures(title: str, variants: Found) -> Table:
    table = Table("", *variants, title=title, title_justify="left")
    for name, text in MEASURES.items():
        table.add_row(text, *(spread(found[name]) for found in variants.values()))
    return table


def _rivals(variants: Found) -> Table:
    table = Table("", *variants, title="rivals: theirs, and ours is ahead of the same tracks by (95 %, each seed)", title_justify="left")
    for rival in next(iter(variants.values()))["rivals"]:
        table.add_row(rival, *(_rival(variant["rivals"][rival]) for variant in variants.values()))
    return table


def _rival(found: Found) -> str:
    said = f"{spread(found['ami'])} in {found['number']['mean']:.0f} clusters of {found['tracks']:,}; ours {found['ours']['mean']:.3f}"
    return "\n".join([said, *(_interval(seed) for seed in found["ahead"] if seed is not None)])


def _clusters(variant: str, found: list[Found]) -> Table:
    table = Table("id", "tracks", "name", title=f"{variant}: clusters of the first seed", title_justify="left")
    for row in found:
        table.add_row(str(row["id"]), f"{row['tracks']:,}", row["name"])
    return table


def spread(found: Found | None) -> str:
    """Mean, least and most; a dash where nothing was measured.

    >>> spread({"mean": 0.5, "least": 0.25, "most": 0.75}), spread(None)
    ('0.500 (0.250 to 0.750)', '-')
    """
    return "-" if found is None else f"{found['mean']:.3f} ({found['least']:.3f} to {found['most']:.3f})"


def _interval(found: list[float]) -> str:
    return f"{found[1]:+.3f} ({found[0]:+.3f} to {found[2]:+.3f})"
