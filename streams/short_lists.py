"""A list pair as it stands in Redis: the published JSON, short enough to be stored at every play.

The published pair of 40 entries takes 6 KB, two thirds of what a play wrote to Redis. Here an entry is an array,
`[track_id, score, source, [cause, …]]` and the chance of a finish where there is one; an entry of `discover` that stands
in `next` too is its place there, or `[place, score]` where its score is another; a cause that was named before is its number
among the causes named so far, and -1 where it is the entry itself. How likely an entry was to stand where it stands follows from what the
pair says of exploring, `explore`. All else is the same text, so the published bytes come back exactly: a worker that takes a
partition over publishes what was stored, with the same bytes (promise P4).
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

import msgspec

from streams import propensity

_NEXT, _AFTER = b'"next":[', b'],"model":'


class ShortEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry, or of `discover` the place in `next` and another score."""

    track_id: str | int
    score: float
    source: str = ""
    because: list[str | int] = []
    finish: float | None = None


class Explore(msgspec.Struct, frozen=True, gc=False):
    """Which places of `discover` were given to tracks drawn from `candidates`, each place with the chance `share`."""

    share: float
    places: list[int]
    candidates: int

    def chance(self, place: int) -> float:
        """How likely the entry was to stand there."""
        return propensity.of_drawn(self.share, self.candidates) if place in self.places else propensity.of_best(self.share)


class _ShortLists(msgspec.Struct, frozen=True, gc=False):
    next: list[ShortEntry]
    discover: list[int | ShortEntry]
    explore: Explore | None = None


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
    others = [_other(e, entries, told) for e in lists.discover]
    following = b",".join(_with(entry, propensity.CERTAIN) for entry in entries)
    discover = b",".join(map(_with, others, _chances(lists.explore, len(others))))
    return b"".join((short[:head], _NEXT, following, b'],"discover":[', discover, short[tail:]))


class Parts(NamedTuple):
    """An entry's text around its score, and behind what tells how likely it was."""

    track: bytes
    score: bytes
    source: bytes
    finish: bytes


def _with(entry: Parts, chance: float) -> bytes:
    return b"".join((entry.track, entry.score, entry.source, propensity.number(chance), entry.finish))


def _other(e: int | ShortEntry, entries: list[Parts], told: list[bytes]) -> Parts:
    """An entry of `discover`; `entries` are those of `next`."""
    place = e if isinstance(e, int) else e.track_id
    if isinstance(place, str):
        return _entry(cast(ShortEntry, e), told)
    if not 0 <= place < len(entries):
        raise msgspec.DecodeError("no list pair: `discover` names a place that `next` does not have")
    return entries[place] if isinstance(e, int) else entries[place]._replace(score=b"%.5f" % e.score)


def _chances(explore: Explore | None, n: int) -> list[float]:
    if explore is None:
        return [propensity.CERTAIN] * n
    if explore.candidates < 1 or not all(0 <= place < n for place in explore.places):
        raise msgspec.DecodeError("no list pair: `explore` names a place that `discover` does not have, or no candidates")
    return [explore.chance(place) for place in range(n)]


def _entry(e: ShortEntry, told: list[bytes]) -> Parts:
    if isinstance(e.track_id, int) or not e.source:
        raise msgspec.DecodeError("no list pair: an entry has no track, or no source")
    finish = b"" if e.finish is None else b',"finish":%.3f' % e.finish
    causes = b",".join(_cause(e, cause, told) for cause in e.because)
    source = b',"source":"%b","because":[%b],"propensity":' % (e.source.encode(), causes)
    return Parts(b'{"track_id":%b,"score":' % _quote(e.track_id), b"%.5f" % e.score, source, finish + b"}")


def _cause(e: ShortEntry, cause: str | int, told: list[bytes]) -> bytes:
    if isinstance(cause, str):
        told.append(_quote(cause))
        return told[-1]
    if not -1 <= cause < len(told):
        raise msgspec.DecodeError("no list pair: `because` has the number of a cause that was not named")
    return _quote(e.track_id) if cause < 0 else told[cause]
