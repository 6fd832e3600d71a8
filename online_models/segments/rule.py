"""A tree's reason in words: the bounds on the way to the leaf that a listener fell into."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

FLAGS: Final = ("last_was_new", "last_was_finished", "known_to_user")
"""Features that are 0 or 1: a bound between says yes or no."""


def rule(bounds: Mapping[str, tuple[float, float]]) -> list[str]:
    """One text per feature that was asked, in order of asking; empty while the tree is one leaf."""
    return [_text(name, least, most) for name, (least, most) in bounds.items()]


def _text(name: str, least: float, most: float) -> str:
    """
    >>> _text("new_share", 0.6, math.inf), _text("plays_log", 1.0, 3.0)
    ('new share > 0.6', '1.718 < plays <= 19.09')
    >>> _text("last_was_new", 0.7, math.inf), _text("last_was_new", -math.inf, 0.7)
    ('last was new', 'not last was new')
    """
    plain = name.removesuffix("_log")
    low, high = (math.expm1(bound) if plain != name and math.isfinite(bound) else bound for bound in (least, most))
    words = plain.replace("_", " ")
    if name in FLAGS:
        return words if least >= 0.0 else f"not {words}"
    if math.isinf(least):
        return f"{words} <= {high:.4g}"
    return f"{words} > {low:.4g}" if math.isinf(most) else f"{low:.4g} < {words} <= {high:.4g}"
