"""How often each artist, album and word stood at each genre, and what that says of a track: smoothed log-odds by kind of token.

log-odds(genre) = sum over tokens of ln((n_genre + strength x share_genre) / (n + strength)) - ln(share_genre)

with a kind's own shares of genres, as a multinomial naive Bayes classifier with a Dirichlet prior at the shares says it (MacKay and
Peto, Natural Language Engineering 1, 1995). The members above see each kind by itself, and weigh the kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from online_models.arrays import F32, I32
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.tokens import KINDS, Kind, Token
from online_models.kernel import kernel

TOKENS_MAX: Final = 131_072
"""Tokens that are counted; the one that was heard of longest ago makes room. 28,000 tracks say 100,000, most of them once."""
STRENGTH: Final[dict[Kind, float]] = {"artist": 1.0, "album": 1.0, "title": 1.0, "title_word": 2.0, "album_word": 2.0, "artist_word": 2.0}
"""Lessons that a token's own counts must outweigh: a name means more than a word does."""
SAID_MAX: Final = 64
"""Tokens of one track: the kinds' own limits keep below it."""
SCALE = 0.5
"""Of log-odds and of the logarithm of counts, so that columns have about the spread of standardised features."""


@kernel
def _weigh(counts: F32, shares: F32, strength: F32, rows: I32, kinds: I32, n_said: int, n_genres: int, x: F32) -> None:
    """Fill `x`: per kind how often its tokens were seen, then per genre its log-odds by kind and their sum."""
    n_kinds = len(strength)
    for i in range(n_kinds + n_genres * (n_kinds + 1)):
        x[i] = np.float32(0.0)
    for i in range(n_said):
        row, kind, n, everything = rows[i], kinds[i], np.float32(0.0), np.float32(0.0)
        for c in range(n_genres):
            n += counts[row, c]
            everything += shares[kind, c]
        x[kind] += n
        for c in range(n_genres):
            share = shares[kind, c] / everything
            odds = np.log((counts[row, c] + strength[kind] * share) / ((n + strength[kind]) * share)) * np.float32(SCALE)
            at = n_kinds + c * (n_kinds + 1)
            x[at + kind] += odds
            x[at + n_kinds] += odds
    for kind in range(n_kinds):
        x[kind] = np.log(np.float32(1.0) + x[kind]) * np.float32(SCALE)


class Evidence:
    """Counts of tokens by genre, of some kinds.

    >>> evidence, x = Evidence(["artist"]), np.zeros(5, np.float32)
    >>> evidence.learn_one([Token("artist", "abba")], genre=1)
    >>> evidence.weigh_one([Token("artist", "abba"), Token("artist", "unheard")], 2, x)
    >>> [round(float(value), 2) for value in x]
    [0.35, -0.35, -0.35, 0.11, 0.11]
    """

    def __init__(self, kinds: Iterable[Kind], n_max: int = TOKENS_MAX) -> None:
        chosen = frozenset(kinds)
        self.kinds = tuple(kind for kind in KINDS if kind in chosen)
        self._number = {kind: n for n, kind in enumerate(self.kinds)}
        self._rows: dict[Token, int] = {}
        """Token -> its row of `counts`, the one that was heard of longest ago first."""
        self.counts: F32 = np.zeros((n_max, GENRES_MAX), np.float32)
        self.shares: F32 = np.ones((len(self.kinds), GENRES_MAX), np.float32)
        self._strength = np.array([STRENGTH[kind] for kind in self.kinds], np.float32)
        self._said: tuple[I32, I32] = (np.zeros(SAID_MAX, np.int32), np.zeros(SAID_MAX, np.int32))

    def n_columns(self, n_genres: int) -> int:
        """Columns that `weigh_one` fills."""
        return len(self.kinds) + n_genres * (len(self.kinds) + 1)

    def weigh_one(self, tokens: Iterable[Token], n_genres: int, x: F32) -> None:
        """Fill the first columns of `x`; leaves no trace. A token that was never heard says nothing."""
        rows, kinds = self._said
        n = 0
        for token in tokens:
            row = self._rows.get(token)
            if row is not None and n < SAID_MAX:
                rows[n], kinds[n] = row, self._number[token.kind]
                n += 1
        _weigh(self.counts, self.shares, self._strength, rows, kinds, n, n_genres, x)

    def learn_one(self, tokens: Iterable[Token], genre: int) -> None:
        """Count each token once more at `genre`."""
        for token in tokens:
            self.counts[self._row(token), genre] += 1.0
            self.shares[self._number[token.kind], genre] += 1.0

    def _row(self, token: Token) -> int:
        row = self._rows.pop(token, None)
        if row is None:
            row = len(self._rows)
            if row == len(self.counts):
                row = self._rows.pop(next(iter(self._rows)))
                self.counts[row] = 0.0
        self._rows[token] = row
        return row

    def state(self) -> list[tuple[int, str, int]]:
        """The tokens in order, by kind's number, text and row; the arrays are the caller's to keep."""
        return [(self._number[token.kind], token.text, row) for token, row in self._rows.items()]

    def take(self, state: Sequence[tuple[int, str, int]]) -> None:
        """Go on from `state`. Raises `ValueError` when it does not fit the table."""
        rows = {Token(self.kinds[kind], text): row for kind, text, row in state}
        if sorted(rows.values()) != list(range(len(state))) or len(state) > len(self.counts):
            raise ValueError(f"{len(state)} tokens whose rows are not 0 to {len(state) - 1}")
        self._rows = rows
