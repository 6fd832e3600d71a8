"""Numbers as English words, up to a hundred and ninety-nine: ages come so."""

from __future__ import annotations

import re
from typing import Final

ONES: Final = dict(
    zero=0, one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9, ten=10, eleven=11, twelve=12, thirteen=13,
    fourteen=14, fifteen=15, sixteen=16, seventeen=17, eighteen=18, nineteen=19,
)  # fmt: skip
TENS: Final = dict(twenty=20, thirty=30, forty=40, fourty=40, fifty=50, sixty=60, seventy=70, eighty=80, ninety=90)
SMALL: Final = ONES | TENS
NOISE: Final = frozenset({"and", "years", "year", "old", "yrs", "aged", "age"})


def word_number(text: str) -> float | None:
    """The number that words stand for; None = not such words.

    >>> word_number("twenty-five"), word_number("Thirty One years old"), word_number("a hundred and two"), word_number("five twenty")
    (25.0, 31.0, 102.0, None)
    """
    words = [word for word in re.split(r"[\s-]+", text.lower()) if word and word not in NOISE]
    hundred = 0
    if words[:2] in (["one", "hundred"], ["a", "hundred"]) or words[:1] == ["hundred"]:
        hundred, words = 100, words[words.index("hundred") + 1 :]
        if not words:
            return 100.0
    numbers = [SMALL.get(word) for word in words]
    if len(numbers) == 1 and numbers[0] is not None:
        return float(hundred + numbers[0])
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None and numbers[0] >= 20 and 1 <= numbers[1] <= 9:
        return float(hundred + numbers[0] + numbers[1])
    return None
