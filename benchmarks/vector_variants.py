"""Which vectors, and what is asked of them: what `vectors.py` compares."""

from __future__ import annotations

from typing import Final, NamedTuple

AS_SERVED, NOT_AT_ALL, NEAREST = range(3)
"""What stands in the place of the source `past`: itself, nothing, the nearest tracks."""


class Variant(NamedTuple):
    """One way to use vectors."""

    what: str
    dimensions: int = 0
    """Of learned vectors; 0 = those that serve."""
    place: int = AS_SERVED
    k: int = 0
    """Nearest tracks that join the candidates."""


SERVED: Final = "served"
VARIANTS: Final = {
    SERVED: Variant("projected vectors, cosines in stage 2"),
    "no-past": Variant("without the source `past`, whose place the nearest tracks take", place=NOT_AT_ALL),
    "projected-near": Variant("projected, and the 30 nearest tracks", place=NEAREST, k=30),
    "learned-64": Variant("skip-gram, 64 dimensions, cosines in stage 2", 64),
    "learned-32": Variant("skip-gram, 32 dimensions, cosines in stage 2", 32),
    "learned-64-near": Variant("skip-gram, 64 dimensions, and the 30 nearest tracks", 64, NEAREST, 30),
    "learned-32-near": Variant("skip-gram, 32 dimensions, and the 30 nearest tracks", 32, NEAREST, 30),
}
"""By name; the first is what the others are held against."""
