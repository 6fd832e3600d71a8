"""Texts of numbers that are needed again and again, such as lengths on a wire: made at their first use, then looked up."""

from __future__ import annotations

from collections.abc import Callable


class ReadyTexts(dict[int, bytes]):
    """Number -> its text; those of `kept_max` and above are made on the spot.

    >>> texts = ReadyTexts(b"$%d".__mod__, kept_max=8)
    >>> texts[7], texts[8], len(texts)
    (b'$7', b'$8', 1)
    """

    def __init__(self, make: Callable[[int], bytes], kept_max: int) -> None:
        super().__init__()
        self._make, self._kept_max = make, kept_max

    def __missing__(self, n: int) -> bytes:
        text = self._make(n)
        if n < self._kept_max:
            self[n] = text
        return text
