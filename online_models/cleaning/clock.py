"""Spans of time as people and programs write them."""

from __future__ import annotations

import re
from typing import Final

COLONS: Final = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:[.,](\d{1,6}))?")
LETTERS: Final = re.compile(
    r"(?:PT)?(?:(\d{1,2})\s*(?:h(?:ours?|rs?)?|std|stunden?|horas?|heures?)\.?,?)?\s*"
    r"(?:(\d{1,3})\s*(?:m(?:in[a-z]*)?\.?|'|′),?)?\s*(?:and |und |y |et )?"
    r"(?:(\d{1,5})(?:[.,](\d{1,6}))?\s*(?:s(?:e[cgk][a-z]*)?\.?|\"|″|''))?",
    re.IGNORECASE,
)
"""Minutes and seconds begin alike in most languages of Europe."""


def span_ms(text: str) -> float | None:
    """Milliseconds of `3:21`, `1:02:03.5`, `PT3M21S`, `3m 21s`, `3'21"`; None = not such a text.

    >>> span_ms("3:21"), span_ms("1:02:03.5"), span_ms("PT3M21S"), span_ms("3 min 21 sec"), span_ms("3:99")
    (201000.0, 3723500.0, 201000.0, 201000.0, None)
    >>> span_ms("3 Minuten und 21 Sekunden"), span_ms("3 minutes, 21 seconds"), span_ms("201 Sek.")
    (201000.0, 201000.0, 201000.0)
    """
    found = COLONS.fullmatch(text) or LETTERS.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(found[k] or 0) for k in (1, 2, 3))
    fraction_ms = float(f"0.{found[4] or 0}") * 1_000.0
    return float(f"{(hours * 3_600 + minutes * 60 + seconds) * 1_000 + fraction_ms:.12g}")
