"""What a cluster is called: what is over-represented in it, and how sure that is.

The log-odds of a term in a cluster against all others, with the whole as prior, over their standard error (Monroe, Colaresi and Quinn
2008, Fightin' Words, eq. 15-22): large for terms that are frequent in it *and* rare elsewhere, small for terms that are seldom at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple, Protocol

import numpy as np

from online_models.arrays import I64

EVIDENCE_MIN: Final = 3.0
"""Standard errors above 0 for a term to name a cluster: of a thousand terms one would be there by chance."""
TERMS_MAX: Final = 3
PRIOR: Final = 100.0
"""Terms that the prior is worth."""
SEEN_MIN: Final = 3
KINDS: Final = ("label", "word", "artist")


class Named(Protocol):
    """What has terms that a cluster may be called by."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def words(self) -> tuple[str, ...]: ...
    @property
    def artists(self) -> tuple[str, ...]: ...


class Term(NamedTuple):
    """A word, an artist or a label that is over-represented."""

    text: str
    evidence: float
    """Standard errors."""
    share: float
    """Of the cluster's tracks that have it."""


class Name(NamedTuple):
    """What a cluster is over-represented in, best first."""

    label: tuple[Term, ...]
    word: tuple[Term, ...]
    artist: tuple[Term, ...]

    def __str__(self) -> str:
        """`edm: remix, club · Martin Garrix`; empty when nothing is over-represented."""
        words = ", ".join(term.text for term in self.word[:2])
        head = ": ".join(part for part in ("/".join(term.text for term in self.label[:1]), words) if part)
        return " · ".join(part for part in (head, *(term.text for term in self.artist[:1])) if part)


def names(tracks: Sequence[Named], labels: I64, k: int) -> list[Name]:
    """Names of `k` clusters from `tracks` and the cluster of each (m,)."""
    terms = {"label": [it.labels for it in tracks], "word": [it.words for it in tracks], "artist": [it.artists for it in tracks]}
    sizes = np.bincount(labels, minlength=k)
    found = [_over(terms[kind], labels, sizes) for kind in KINDS]
    return [Name(*(kind[i] for kind in found)) for i in range(k)]


def _over(terms: Sequence[tuple[str, ...]], labels: I64, sizes: I64) -> list[tuple[Term, ...]]:
    inside: list[Counter[str]] = [Counter() for _ in sizes]
    for mine, label in zip(terms, labels.tolist(), strict=True):
        inside[label].update(mine)
    whole = Counter[str]()
    for counts in inside:
        whole.update(counts)
    n_whole = sum(whole.values())
    return [_best(counts, whole, n_whole, int(size)) for counts, size in zip(inside, sizes, strict=True)]


def _best(counts: Counter[str], whole: Counter[str], n_whole: int, size: int) -> tuple[Term, ...]:
    n = sum(counts.values())
    seen = sorted(term for term, k in counts.items() if k >= SEEN_MIN)
    if not seen or n == n_whole or len(whole) == 1:
        return ()  # nothing to compare with
    here = np.array([counts[term] for term in seen], dtype=float)
    all_of_it = np.array([whole[term] for term in seen], dtype=float)
    prior = PRIOR * all_of_it / n_whole
    a, b = here + prior, all_of_it - here + prior
    # With the variance of the other terms, which the paper leaves out: here a term may be nearly all there is.
    other_a, other_b = n + PRIOR - a, n_whole - n + PRIOR - b
    evidence = (np.log(a / other_a) - np.log(b / other_b)) / np.sqrt(1.0 / a + 1.0 / other_a + 1.0 / b + 1.0 / other_b)
    best = sorted(zip((-evidence).tolist(), seen, strict=True))[:TERMS_MAX]
    return tuple(Term(term, round(-minus, 2), round(counts[term] / size, 4)) for minus, term in best if -minus >= EVIDENCE_MIN)


def shown(found: Sequence[Name]) -> list[str]:
    """Names for people; clusters that would be called the same get further words.

    >>> rock = Term("rock", 9.0, 0.5)
    >>> shown([Name((rock,), (Term("blues", 4.0, 0.1),), ()), Name((rock,), (), ())])
    ['rock: blues', 'rock']
    """
    plain = [str(name) or "unnamed" for name in found]
    twice = {text for text, n in Counter(plain).items() if n > 1}
    further = [", ".join(term.text for term in chain(name.word[2:], name.artist[1:])) for name in found]
    return [f"{text} · {more}" if text in twice and more else text for text, more in zip(plain, further, strict=True)]
