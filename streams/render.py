"""The JSON of a list pair, assembled from ready-made text in one kernel: as it is published, and in short for Redis.

Encoding 40 entries with a general encoder costs some 25 us per play; copying the prepared text of each
id and writing two numbers costs 3-4. `streams/short_lists.py` says what the short form is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, I64, U8
from online_models.bytes_copy import SLACK, write, write_text
from online_models.explore import DRAWN, KEPT, NOT_EXPLORING
from online_models.kernel import kernel
from online_models.pool import CANDIDATES_MAX
from online_models.prefetch import fetch
from online_models.rank import LENGTH, Lists
from online_models.signals import SOURCES
from streams import propensity


def _text(*parts: str) -> tuple[U8, I64]:
    data = [p.encode() for p in parts]
    ends = np.cumsum([0, *map(len, data)]).astype(np.int64)
    return np.frombuffer(b"".join(data) + bytes(SLACK), np.uint8).copy(), ends


ENTRY_START, ENTRY_SCORE = b'{"track_id":', b',"score":0.'
"""Around an id's JSON text, in the table of names: an entry up to the digits of its score."""

_FIXED = (
    '"next":[',
    '],"discover":[',
    "]",
    ',"finish":0.',
    '],"candidates":',
    '],"kept":[',
    ",0.",
    *(f',"source":"{source}","because":[' for source in SOURCES),
    *(f',"{source}",[' for source in SOURCES),
)
NEXT, DISCOVER, CLOSE, FINISH, CANDIDATES, KEPT_PLACES, SHORT_SCORE, SOURCE = range(8)
SHORT_SOURCE = SOURCE + len(SOURCES)
EXPLORE = SHORT_SOURCE + len(SOURCES)
CERTAIN, BEST = EXPLORE + 1, EXPLORE + 2
"""That a list explores; how likely an entry was that nothing could replace, that was the best, that was drawn from 1, 2, …"""
_NUMBER_BYTES = 24
_ENTRY_BYTES = sum(map(len, _FIXED)) + len('],"propensity":') + _NUMBER_BYTES + len(ENTRY_START) + len(ENTRY_SCORE) + 16
"""Bytes of an entry beside the three ids, at most."""
_HEAD_BYTES = 128 + _NUMBER_BYTES + 3 * LENGTH
"""Bytes of a pair beside its entries, prefix and suffix, at most."""
_BRACE, _COMMA, _OPEN, _CLOSE, _MINUS = 125, 44, 91, 93, 45
TOLD_MAX = 1 + 4 * LENGTH
START, SCORE, CHANCE, BEHIND, END, N_PARTS = range(6)
"""Where an entry begins, the digits of its score, where its chance is told, what stands behind that, its last brace."""
_SCORE_TEXT, _FINISH_TEXT, _SCORE_DIGITS = len("0.12345"), len("0.123"), len("12345")


class NameText(NamedTuple):
    """The ids' JSON text between `ENTRY_START` and `ENTRY_SCORE` (streams/names.py)."""

    text: U8
    place: I64  # (n, 2) offset of the id's own text, and its length: read together


class Pieces(NamedTuple):
    """The fixed text around them."""

    text: U8
    end: I64
    digits: U8  # (1000, 3) "000" to "999"


class Written(NamedTuple):
    """Texts one after the other: `text[end[i]:end[i + 1]]` is the i-th."""

    text: U8
    end: I64


def pieces(explore_share: float) -> Pieces:
    """The text for lists whose places explore with that chance."""
    drawn = [propensity.of_drawn(explore_share, m) for m in range(1, CANDIDATES_MAX + 1)]
    chances = [propensity.CERTAIN, propensity.of_best(explore_share), *drawn]
    share = propensity.number(explore_share).decode()
    text, end = _text(
        *_FIXED, f'"explore":{{"share":{share},"places":[', *(f'],"propensity":{propensity.number(chance).decode()}' for chance in chances)
    )
    return Pieces(text, end, np.array([[*b"%03d" % n] for n in range(1000)], np.uint8))


def bytes_max(n_pairs: int, longest_name: int, prefix_bytes: int, suffix_bytes: int) -> int:
    """Room that `n_pairs` list pairs need at most."""
    return SLACK + prefix_bytes + n_pairs * (suffix_bytes + _HEAD_BYTES + 2 * LENGTH * (_ENTRY_BYTES + 3 * (longest_name + 1)))


@kernel
def _piece(out: U8, at: int, p: Pieces, k: int) -> int:
    return write_text(out, at, p.text, p.end[k], p.end[k + 1])


@kernel
def _three_digits(out: U8, at: int, p: Pieces, value: int) -> int:
    for k in range(3):
        out[at + k] = p.digits[value, k]
    return at + 3


@kernel
def _five_digits(out: U8, at: int, p: Pieces, value: int) -> int:
    thousands = value // 1000
    out[at] = p.digits[thousands, 1]
    out[at + 1] = p.digits[thousands, 2]
    return _three_digits(out, at + 2, p, value - 1000 * thousands)


@kernel
def _share(value: float, unit: int) -> int:
    """A share of 0..1 as an integer below `unit`; never 1.0, so that the text always starts with `0.`."""
    return max(0, min(unit - 1, int(value * unit + 0.5)))


@kernel
def _score(lists: Lists, row: int, j: int) -> int:
    """The five digits of an entry's score."""
    return _share(lists.share[row, j], 100_000)


@kernel
def _name(out: U8, at: int, names: NameText, k: int) -> int:
    return write_text(out, at, names.text, names.place[k, 0], names.place[k, 0] + names.place[k, 1])


@kernel
def _causes(out: U8, at: int, lists: Lists, row: int, j: int, names: NameText) -> int:
    if lists.because[row, j, 0] >= 0:
        at = _name(out, at, names, lists.because[row, j, 0])
    if lists.because[row, j, 1] >= 0:
        if lists.because[row, j, 0] >= 0:
            out[at] = _COMMA
            at += 1
        at = _name(out, at, names, lists.because[row, j, 1])
    return at


@kernel
def _place(short: U8, to: int, p: Pieces, k: int) -> int:
    """A number below 100, without a leading zero."""
    if k >= 10:
        short[to] = p.digits[k, 1]
        to += 1
    short[to] = p.digits[k, 2]
    return to + 1


@kernel
def _count(out: U8, at: int, p: Pieces, n: int) -> int:
    """A number below 1,000, without leading zeros."""
    return _three_digits(out, at, p, n) if n >= 100 else _place(out, at, p, n)


@kernel
def _short_cause(short: U8, to: int, lists: Lists, row: int, j: int, q: int, names: NameText, p: Pieces, told: I32) -> int:
    """A cause by its number where the pair named it before, -1 where it is the entry itself; `told` ([0] = how many) are the named."""
    name = lists.because[row, j, q]
    if name == lists.name[row, j]:
        short[to] = _MINUS
        return _place(short, to + 1, p, 1)
    for k in range(told[0]):
        if told[1 + k] == name:
            return _place(short, to, p, k)
    told[0] += 1
    told[told[0]] = name
    return _name(short, to, names, name)


@kernel
def _short_causes(short: U8, to: int, lists: Lists, row: int, j: int, names: NameText, p: Pieces, told: I32) -> int:
    if lists.because[row, j, 0] >= 0:
        to = _short_cause(short, to, lists, row, j, 0, names, p, told)
    if lists.because[row, j, 1] >= 0:
        if lists.because[row, j, 0] >= 0:
            short[to] = _COMMA
            to += 1
        to = _short_cause(short, to, lists, row, j, 1, names, p, told)
    return to


@kernel
def _entry(
    out: U8, at: int, short: U8, to: int, lists: Lists, row: int, j: int, chance: int, names: NameText, p: Pieces, part: I64, told: I32
) -> tuple[int, int]:
    """One entry, and the same in short, whose parts are copied from it while they are near; `part` is where its parts begin."""
    k = lists.name[row, j]
    part[START] = at
    start = names.place[k, 0]
    at = write_text(out, at, names.text, start - len(ENTRY_START), start + names.place[k, 1] + len(ENTRY_SCORE))
    part[SCORE] = at
    at = _five_digits(out, at, p, _score(lists, row, j))
    short[to] = _OPEN
    to = _name(short, to + 1, names, k)
    short[to] = _COMMA
    to = write_text(short, to + 1, out, at - _SCORE_TEXT, at)
    at = _piece(out, at, p, SOURCE + lists.source[row, j])
    to = _piece(short, to, p, SHORT_SOURCE + lists.source[row, j])
    at = _causes(out, at, lists, row, j, names)
    to = _short_causes(short, to, lists, row, j, names, p, told)
    short[to] = _CLOSE
    to += 1
    part[CHANCE] = at
    at = _piece(out, at, p, chance)
    part[BEHIND] = at
    if lists.finish[row, j] >= 0.0:
        at = _piece(out, at, p, FINISH)
        at = _three_digits(out, at, p, _share(lists.finish[row, j], 1000))
        short[to] = _COMMA
        to = write_text(short, to + 1, out, at - _FINISH_TEXT, at)
    part[END] = at
    out[at] = _BRACE
    short[to] = _CLOSE
    return at + 1, to + 1


@kernel
def _twin(out: U8, at: int, score: int, chance: int, p: Pieces, part: I64) -> int:
    """An entry of `next` once more, with the score and the chance that it has here."""
    at = write_text(out, at, out, part[START], part[SCORE])
    at = _five_digits(out, at, p, score)
    at = write_text(out, at, out, part[SCORE] + _SCORE_DIGITS, part[CHANCE])
    at = _piece(out, at, p, chance)
    at = write_text(out, at, out, part[BEHIND], part[END])
    out[at] = _BRACE
    return at + 1


@kernel
def _short_twin(short: U8, to: int, k: int, lists: Lists, row: int, j: int, p: Pieces) -> int:
    """Its place in `next`, and its score where that is another there."""
    score = _score(lists, row + 1, j)
    if score == _score(lists, row, k):
        return _place(short, to, p, k)
    short[to] = _OPEN
    to = _place(short, to + 1, p, k)
    to = _five_digits(short, _piece(short, to, p, SHORT_SCORE), p, score)
    short[to] = _CLOSE
    return to + 1


@kernel
def _chance(lists: Lists, row: int, j: int) -> int:
    """The piece that tells how likely entry `j` of `discover` was."""
    if lists.among[row] == NOT_EXPLORING:
        return CERTAIN
    return BEST + lists.among[row] if lists.explored[row, j] == DRAWN else BEST


@kernel
def _places(out: U8, at: int, lists: Lists, row: int, which: int, p: Pieces) -> int:
    """Numbers of the places of which `which` is told, with commas between."""
    first = True
    for j in range(lists.length[row]):
        if lists.explored[row, j] == which:
            if not first:
                out[at] = _COMMA
                at += 1
            first = False
            at = _place(out, at, p, j)
    return at


@kernel
def _explore(out: U8, at: int, lists: Lists, row: int, p: Pieces) -> int:
    """Which places of the list `row` were explored, where it explores."""
    if lists.among[row] == NOT_EXPLORING:
        return at
    at = _places(out, _piece(out, at, p, EXPLORE), lists, row, DRAWN, p)
    behind = _piece(out, at, p, KEPT_PLACES)
    end = _places(out, behind, lists, row, KEPT, p)
    at = _piece(out, end if end > behind else at, p, CANDIDATES)
    at = _count(out, at, p, lists.among[row])
    out[at] = _BRACE
    out[at + 1] = _COMMA
    return at + 2


@kernel
def _pair(
    out: U8, at: int, short: U8, to: int, lists: Lists, row: int, names: NameText, p: Pieces, parts: I64, told: I32
) -> tuple[int, int]:
    """The entries of both lists.

    One of the second that stands in the first is copied with the score and the chance that it has there; in short its place is told.
    """
    told[0] = 0
    begun = at
    at = _explore(out, at, lists, row + 1, p)
    to = write_text(short, to, out, begun, at)
    at, to = _piece(out, at, p, NEXT), _piece(short, to, p, NEXT)
    for j in range(lists.length[row]):
        if j > 0:
            out[at] = short[to] = _COMMA
            at, to = at + 1, to + 1
        at, to = _entry(out, at, short, to, lists, row, j, CERTAIN, names, p, parts[j], told)
    at, to = _piece(out, at, p, DISCOVER), _piece(short, to, p, DISCOVER)
    for j in range(lists.length[row + 1]):
        if j > 0:
            out[at] = short[to] = _COMMA
            at, to = at + 1, to + 1
        k, chance = lists.twin[row + 1, j], _chance(lists, row + 1, j)
        if k >= 0:
            at = _twin(out, at, _score(lists, row + 1, j), chance, p, parts[k])
            to = _short_twin(short, to, k, lists, row, j, p)
        else:
            at, to = _entry(out, at, short, to, lists, row + 1, j, chance, names, p, parts[LENGTH], told)
    return _piece(out, at, p, CLOSE), _piece(short, to, p, CLOSE)


@kernel
def _expect_places(lists: Lists, row: int, names: NameText) -> None:
    for j in range(lists.length[row]):
        fetch(names.place, lists.name[row, j] * 16, 16)


@kernel
def _expect_texts(lists: Lists, row: int, names: NameText) -> None:
    for j in range(lists.length[row]):
        fetch(names.text, names.place[lists.name[row, j], 0] - len(ENTRY_START), 64)


@kernel
def _look_ahead(lists: Lists, rows: I32, i: int, names: NameText) -> None:
    """Ask for the memory of the pairs after the `i`-th while it is written."""
    if i + 2 < rows.shape[0]:
        _expect_places(lists, rows[i + 2], names)
        _expect_places(lists, rows[i + 2] + 1, names)
    if i + 1 < rows.shape[0]:
        _expect_texts(lists, rows[i + 1], names)
        _expect_texts(lists, rows[i + 1] + 1, names)


@kernel
def render(
    lists: Lists,
    rows: I32,
    prefix: U8,
    prefix_end: I64,
    suffix: U8,
    names: NameText,
    p: Pieces,
    full: Written,
    short: Written,
    parts: I64,
    told: I32,
) -> None:
    """Write one JSON object per pair in `rows`, into `full` as it is published and into `short` as it is stored.

    `prefix[prefix_end[i]:prefix_end[i + 1]]` stands before the i-th pair's lists; `parts` (LENGTH + 1, N_PARTS) and `told`
    (TOLD_MAX,) are scratch.
    """
    at = to = 0
    full.end[0] = short.end[0] = 0
    for i in range(rows.shape[0]):
        _look_ahead(lists, rows, i, names)
        head = prefix_end[i + 1] - prefix_end[i]
        at, to = write(full.text, at, prefix, prefix_end[i], head), write(short.text, to, prefix, prefix_end[i], head)
        at, to = _pair(full.text, at, short.text, to, lists, rows[i], names, p, parts, told)
        tail = suffix.shape[0]
        at, to = write(full.text, at, suffix, 0, tail), write(short.text, to, suffix, 0, tail)
        full.end[i + 1], short.end[i + 1] = at, to
