"""Names in one form: the same letters with other capitals, accents, dots, dashes and ands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from online_models.cleaning.spelling import KNOWN_MIN, NAMES_MAX, TIMES_MORE, category_key

LETTERS_MIN: Final = 5
"""Shorter artists that differ in more than capitals may be two: `Her` and `H.E.R.`, `Mase` and `M.A.S.E.`."""
ARTICLE_LAST: Final = re.compile(r"([^,]+), (the|a|an|los|las|die|der|les)", re.IGNORECASE)


def article_first(name: str) -> str:
    """A name as it is said, not as libraries sort it.

    >>> article_first("Beatles, The"), article_first("Tyler, The Creator"), article_first("The Band")
    ('The Beatles', 'Tyler, The Creator', 'The Band')
    """
    found = ARTICLE_LAST.fullmatch(name)
    return f"{found[2]} {found[1]}" if found is not None else name


class _Writings:
    """How often each writing of the same letters came."""

    def __init__(self, names_max: int = NAMES_MAX) -> None:
        self._names_max = names_max
        self.n: dict[str, Counter[str]] = {}
        """Key of a name -> writing -> how often; the one that came first stands first."""

    def learn_one(self, name: str) -> None:
        """Count a writing as it came."""
        key = category_key(name)
        if key in self.n or len(self.n) < self._names_max:
            self.n.setdefault(key, Counter())[name] += 1

    def _usual(self, name: str) -> tuple[str, int, int]:
        """The writing that came most often, how often, and how often this one did."""
        writings: dict[str, int] = self.n.get(category_key(name), Counter())
        # Of several, the one that came first: a tie must not go back and forth.
        usual = max(writings, key=writings.__getitem__, default=name)
        return usual, writings.get(usual, 0), writings.get(name, 0)


class Categories(_Writings):
    """Brings the writings of a category to the one that is seen most; declared ones win.

    >>> genres = Categories({"r&b": ("rhythm and blues",)})
    >>> genres.one_form("R 'n' B"), genres.one_form("Rhythm & Blues"), genres.one_form("shoegaze")
    ('r&b', 'r&b', 'shoegaze')
    """

    def __init__(self, declared: Mapping[str, Iterable[str]] | None = None, names_max: int = NAMES_MAX) -> None:
        super().__init__(names_max)
        told = dict(declared or {})
        self._declared = {category_key(name): form for form, others in told.items() for name in (form, *others)}

    def one_form(self, name: str) -> str:
        """The writing that stands for this category."""
        declared = self._declared.get(category_key(name))
        return self._usual(name)[0] if declared is None else declared


class Artists(_Writings):
    """Brings an artist's name to its usual writing, where that is known well and much the more frequent: two may share their letters.

    >>> artists = Artists()
    >>> for name in KNOWN_MIN * ["Guns N' Roses", "Her"]:
    ...     artists.learn_one(name)
    >>> artists.one_form("GUNS & ROSES"), artists.one_form("HER"), artists.one_form("H.E.R.")
    ("Guns N' Roses", 'Her', 'H.E.R.')
    """

    def one_form(self, name: str, *, is_told: bool = False) -> str:
        """The writing that stands for this artist; `is_told` = something else in the row speaks for it."""
        usual, n_usual, n_own = self._usual(name)
        same = is_told or len(category_key(name)) >= LETTERS_MIN or usual.casefold() == name.casefold()
        return usual if same and n_usual >= max(KNOWN_MIN, TIMES_MORE * n_own) else name
