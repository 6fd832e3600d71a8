"""Close spellings: a rare name is taken for one that is known well and one letter away.

A correction needs evidence: the known name was seen often, and far more often than the writing in question. Names are compared
by `category_key`, at most one letter apart (one missing, one more, one other, or two neighbours swapped). Short names are close to
each other by nature, so for them something beside the name must say the same: the album or the song of an artist, the sub-genre
of a genre. Counted on a catalogue of 32,833 rows: names of seven letters and more, by themselves, changed six clean rows; those of
five and six letters 17 to 41, and with the same album or song as evidence none, or one in another order of the rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final

from online_models.cleaning.text import folded

KNOWN_MIN: Final = 5
"""Times a name was seen before a close one may be taken for it."""
TIMES_MORE: Final = 10
"""And so many times more often than the other."""
OWN_MAX: Final = 2
"""A writing that came more often is a name of its own: a slip of the pen seldom comes a third time."""
SLIP_SHARE: Final = 0.002
"""Unless the known name is one of thousands of rows, where the same slip comes again: so many per row of it, at most."""
LETTERS_MIN: Final = 7
"""Shorter names are close to each other by nature: `Train` and `Trains`, `Queen` and `Queens`."""
BESIDE_LETTERS_MIN: Final = 2
"""Of a slip with evidence beside it: `po` for `pop` where the sub-genre is always one of pop."""
NAMES_MAX: Final = 200_000
"""Names in memory; some 1 KB each with their neighbourhood."""
BESIDE_MAX: Final = 8
"""Names kept per album, song or sub-genre: those that came most often."""
AND: Final = re.compile(r"\s*(?:&|\+|\b(?:and|und|et|y)\b|(?<![^\W_])['’]?n['’]?(?![^\W_]))\s*", re.IGNORECASE)


@lru_cache(maxsize=1 << 15)
def category_key(name: str) -> str:
    """What the writings of a name have in common.

    >>> {category_key(it) for it in ("R&B", "rnb", "r n b", "R 'n' B", "R and B", "r+b")}
    {'rnb'}
    >>> category_key("Hip-Hop") == category_key("hip hop") == category_key("HipHop")
    True
    """
    return folded(AND.sub("n", name))


class Beside:
    """Which names stood beside which other words of a row, the frequent ones of each (Misra and Gries, Finding repeated elements, 1982).

    >>> albums = Beside()
    >>> albums.learn_one("Load", "metallica")
    >>> albums.names("load"), albums.names("Reload")
    (['metallica'], [])
    """

    def __init__(self, places_max: int = NAMES_MAX) -> None:
        self.n: dict[str, dict[str, int]] = {}
        """Folded words -> key of a name -> how often."""
        self._places_max = places_max

    def learn_one(self, words: str, key: str) -> None:
        """A name's key stood beside `words`."""
        place = folded(words)
        if place not in self.n and len(self.n) >= self._places_max:
            return
        known = self.n.setdefault(place, {})
        if key in known or len(known) < BESIDE_MAX:
            known[key] = known.get(key, 0) + 1
        else:
            self.n[place] = {other: n - 1 for other, n in known.items() if n > 1}

    def names(self, words: str) -> list[str]:
        """Keys that stood beside `words`."""
        return list(self.n.get(folded(words), ()))


class Spelling:
    """Takes a rare name for a well-known one that is one letter away.

    Parameters
    ----------
    declared: names that are right however seldom they are, and known however seldom they were seen.
    names_max: names in memory; further ones are looked at, and not remembered.

    >>> artists = Spelling()
    >>> for _ in range(KNOWN_MIN):
    ...     artists.learn_one("Metallica")
    ...     artists.learn_one("Queen")
    >>> artists.correct("Metalica"), artists.correct("METALLICA"), artists.correct("Metallic Sea")
    ('Metallica', None, None)
    >>> artists.correct("Queeen"), artists.correct("Queeen", beside={"queen"})
    (None, 'Queen')
    """

    def __init__(self, declared: Iterable[str] = (), names_max: int = NAMES_MAX) -> None:
        self._names_max = names_max
        self._n: Counter[str] = Counter()
        self._name: dict[str, str] = {}
        self._near: dict[str, list[str]] = {}
        names = tuple(declared)
        self._declared = {category_key(name) for name in names}
        for name in names:
            self._know(category_key(name), name)

    def learn_one(self, name: str) -> None:
        """Count a name as it came: what was corrected too, so that a new name stops being taken for its neighbour."""
        key = category_key(name)
        if key in self._name or len(self._name) < self._names_max:
            self._know(key, name)
            self._n[key] += 1

    def told(self, key: str) -> tuple[str, int]:
        """The first writing of a name, and how often the name came: 0 = it is not remembered."""
        return (self._name[key], self._n[key]) if key in self._n else ("", 0)

    def restore(self, key: str, name: str, n: int) -> None:
        """What `told` said of a name."""
        if n:
            self._know(key, name)
            self._n[key] = n

    def correct(self, name: str, beside: Collection[str] = ()) -> str | None:
        """The name that was meant; None = this one, or not sure. `beside` are keys of names that something else in the row speaks for."""
        key = category_key(name)
        found = self.close(name)
        if len(key) < LETTERS_MIN or len(found) > 1:
            found &= set(beside)
        return self._name[found.pop()] if len(found) == 1 else None

    def close(self, name: str) -> set[str]:
        """Keys of all well-known names that a writing may be a slip of; none where it is a declared name."""
        key = category_key(name)
        if len(key) < BESIDE_LETTERS_MIN or key in self._declared:
            return set()
        return {near for short in _shorter(key) for near in self._near.get(short, ()) if self._is_meant(key, near)}

    def _is_meant(self, key: str, near: str) -> bool:
        """Whether a writing may be a slip of the known name `near`."""
        if near == key or not is_close(key, near):
            return False
        own, known = self._n[key], self._n[near]
        if own > max(OWN_MAX, known * SLIP_SHARE):
            return False
        return near in self._declared or known >= max(KNOWN_MIN, TIMES_MORE * own)

    def _know(self, key: str, name: str) -> None:
        if key in self._name:
            return
        self._name[key] = name
        if len(key) > BESIDE_LETTERS_MIN:
            for short in _shorter(key):
                self._near.setdefault(short, []).append(key)


def _shorter(key: str) -> Iterator[str]:
    """The name, and the name without each one of its letters: close names share one of these."""
    yield key
    yield from {key[:i] + key[i + 1 :] for i in range(len(key))}


def is_close(a: str, b: str) -> bool:
    """Are two different names one letter, or one swap of neighbours, apart?

    >>> is_close("metalica", "metallica"), is_close("beyocne", "beyonce"), is_close("queens", "quine")
    (True, True, False)
    """
    if abs(len(a) - len(b)) > 1:
        return False
    i = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[i:], b[i:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[2:] == rest_b[2:] and rest_a[:2] == rest_b[1::-1])
    longer, shorter = (rest_a, rest_b) if len(a) > len(b) else (rest_b, rest_a)
    return longer[1:] == shorter
