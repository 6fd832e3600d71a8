"""A list pair as it stands in Redis: the published JSON, short enough to be stored at every play.

The published pair of 40 entries takes 6 KB, two thirds of what a play wrote to Redis. Here an entry is an array,
`[track_id, score, source, [cause, …]]` and the chance of a finish where there is one; an entry of `discover` that stands
in `next` too is its place there; a cause that was named before is its number among the causes named so far, and -1 where it is
the entry itself. All else is the same text, so the published bytes come back exactly:
a worker that takes a partition over publishes what was stored, with the same bytes (promise P4).
"""

from __future__ import annotations

from typing import Final

import msgspec

_NEXT, _AFTER = b'"next":[', b'],"model":'


class ShortEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry."""

    track_id: str
    score: float
    source: str
    because: list[str | int]
    finish: float | None = None


class _ShortLists(msgspec.Struct, frozen=True, gc=False):
    next: list[ShortEntry]
    discover: list[int | ShortEntry]


_decode: Final[msgspec.json.Decoder[_ShortLists]] = msgspec.json.Decoder(_ShortLists)
_quote: Final = msgspec.json.Encoder().encode


def published(short: bytes) -> bytes:
    """The pair as it was published, byte for byte. Raises `msgspec.DecodeError` for what is no list pair.

    >>> published(b'{"next":[["t7",0.31000,"follows",["t42"]]],"discover":[],"model":{}}')
    b'{"next":[{"track_id":"t7","score":0.31000,"source":"follows","because":["t42"],"propensity":1.0}],"discover":[],"model":{}}'
    """
    lists = _decode.decode(short)
    head, tail = short.find(_NEXT), short.rfind(_AFTER)
    if head < 0 or tail < head:
        raise msgspec.DecodeError("no list pair: it does not hold its lists between its cause and its model")
    told: list[bytes] = []
    entries = [_entry(e, told) for e in lists.next]
    if any(isinstance(e, int) and not 0 <= e < len(entries) for e in lists.discover):
        raise msgspec.DecodeError("no list pair: `discover` names a place that `next` does not have")
    others = [entries[e] if isinstance(e, int) else _entry(e, told) for e in lists.discover]
    return b"".join((short[:head], _NEXT, b",".join(entries), b'],"discover":[', b",".join(others), short[tail:]))


def _entry(e: ShortEntry, told: list[bytes]) -> bytes:
    finish = b"" if e.finish is None else b',"finish":%.3f' % e.finish
    causes = b",".join(_cause(e, cause, told) for cause in e.because)
    text = b'{"track_id":%b,"score":%.5f,"source":"%b","because":[%b],"propensity":1.0%b}'
    return text % (_quote(e.track_id), e.score, e.source.encode(), causes, finish)


def _cause(e: ShortEntry, cause: str | int, told: list[bytes]) -> bytes:
    if isinstance(cause, str):
        told.append(_quote(cause))
        return told[-1]
    if not -1 <= cause < len(told):
        raise msgspec.DecodeError("no list pair: `because` has the number of a cause that was not named")
    return _quote(e.track_id) if cause < 0 else told[cause]
