"""The JSON of a list pair, assembled from ready-made text in one kernel.

Encoding 40 entries with a general encoder costs some 25 us per play; copying the prepared text of each
id and writing two numbers costs 3-4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, I64, U8
from online_models.bytes_copy import write
from online_models.candidates import SOURCES
from online_models.kernel import kernel
from online_models.rank import LENGTH, Lists


def _text(*parts: str) -> tuple[U8, I64]:
    data = [p.encode() for p in parts]
    ends = np.cumsum([0, *map(len, data)]).astype(np.int64)
    return np.frombuffer(b"".join(data), np.uint8).copy(), ends


_PIECES, _ENDS = _text(
    '"next":[',
    '],"discover":[',
    "]",
    '{"track_id":',
    ',"score":0.',
    '],"propensity":1.0',
    '],"propensity":1.0,"finish":0.',
    "},",
    "}",
    ",",
    *(f',"source":"{source}","because":[' for source in SOURCES),
)
NEXT, DISCOVER, CLOSE, ENTRY, SCORE, NO_FINISH, FINISH, MORE, END, COMMA, SOURCE = range(11)
_ENTRY_BYTES = int(_ENDS[-1]) + 16
"""Bytes of an entry beside the three ids, at most."""


class NameText(NamedTuple):
    """The ids' JSON text (streams/names.py)."""

    text: U8
    offset: I64
    length: I64


class Pieces(NamedTuple):
    """The fixed text around them."""

    text: U8
    end: I64


PIECES = Pieces(_PIECES, _ENDS)


def bytes_max(n_pairs: int, longest_name: int, prefix_bytes: int, suffix_bytes: int) -> int:
    """Room that `n_pairs` list pairs need at most."""
    return prefix_bytes + n_pairs * (suffix_bytes + 64 + 2 * LENGTH * (_ENTRY_BYTES + 3 * (longest_name + 1)))


@kernel
def _copy(out: U8, at: int, text: U8, start: int, end: int) -> int:
    return write(out, at, text, start, end - start)


@kernel
def _piece(out: U8, at: int, p: Pieces, k: int) -> int:
    return _copy(out, at, p.text, p.end[k], p.end[k + 1])


@kernel
def _digits(out: U8, at: int, value: int, n: int) -> int:
    for i in range(n - 1, -1, -1):
        out[at + i] = 48 + value % 10
        value //= 10
    return at + n


@kernel
def _share(value: float, unit: int) -> int:
    """A share of 0..1 as an integer below `unit`; never 1.0, so that the text always starts with `0.`."""
    return max(0, min(unit - 1, int(value * unit + 0.5)))


@kernel
def _name(out: U8, at: int, names: NameText, k: int) -> int:
    return _copy(out, at, names.text, names.offset[k], names.offset[k] + names.length[k])


@kernel
def _entry(out: U8, at: int, lists: Lists, row: int, j: int, names: NameText, p: Pieces) -> int:
    at = _piece(out, at, p, ENTRY)
    at = _name(out, at, names, lists.name[row, j])
    at = _piece(out, at, p, SCORE)
    at = _digits(out, at, _share(lists.share[row, j], 100_000), 5)
    at = _piece(out, at, p, SOURCE + lists.source[row, j])
    first = True
    for b in range(2):
        if lists.because[row, j, b] >= 0:
            if not first:
                at = _piece(out, at, p, COMMA)
            at = _name(out, at, names, lists.because[row, j, b])
            first = False
    if lists.finish[row, j] < 0.0:
        return _piece(out, at, p, NO_FINISH)
    at = _piece(out, at, p, FINISH)
    return _digits(out, at, _share(lists.finish[row, j], 1000), 3)


@kernel
def _entries(out: U8, at: int, lists: Lists, row: int, names: NameText, p: Pieces) -> int:
    n = lists.length[row]
    for j in range(n):
        at = _entry(out, at, lists, row, j, names, p)
        at = _piece(out, at, p, MORE if j < n - 1 else END)
    return at


@kernel
def render(lists: Lists, rows: I32, prefix: U8, prefix_end: I64, suffix: U8, names: NameText, p: Pieces, out: U8, ends: I64) -> int:
    """Write one JSON object per pair in `rows`; `out[ends[i]:ends[i + 1]]` is the i-th. Returns the bytes used."""
    at = 0
    ends[0] = 0
    for i in range(rows.shape[0]):
        at = _copy(out, at, prefix, prefix_end[i], prefix_end[i + 1])
        at = _piece(out, at, p, NEXT)
        at = _entries(out, at, lists, rows[i], names, p)
        at = _piece(out, at, p, DISCOVER)
        at = _entries(out, at, lists, rows[i] + 1, names, p)
        at = _piece(out, at, p, CLOSE)
        at = _copy(out, at, suffix, 0, suffix.shape[0])
        ends[i + 1] = at
    return at
