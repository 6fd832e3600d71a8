"""The same track under several rows is merged; the same recording under several ids is linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from zlib import crc32

from xxhash import xxh3_64_intdigest as xxh3

from online_models.cleaning.missing import is_doubtful
from online_models.cleaning.rows import CleanRow
from online_models.cleaning.text import folded
from online_models.cleaning.verdicts import Value

SAME_MS: Final = 3_000
"""Releases of one recording differ by their silences; other takes by more, nearly always."""
SAME_SOUND: Final = frozenset({"", "remaster"})
"""Kinds of versions that are the recording itself."""
TAKES_MAX: Final = 50
"""Lengths kept per song and artist: `Intro` by Various Artists is no evidence."""
TRACKS_MAX: Final = 2_000_000
"""Tracks and songs in memory; further ones are looked at, but not remembered."""


class Merged(NamedTuple):
    """A track as its rows tell together."""

    values: dict[str, Value]
    changed: list[str]
    """Fields in which the new row says something else than those before."""


def merge(before: Mapping[str, Value], row: Mapping[str, Value]) -> Merged:
    """What a later row says wins; what it does not say, or says as if it did not know, stays.

    >>> merge({"track_id": "t", "tempo": 120.0, "album": "Load"}, {"track_id": "t", "tempo": 121.0, "album": "?"})
    Merged(values={'track_id': 't', 'tempo': 121.0, 'album': 'Load'}, changed=['tempo'])
    """
    said = {name: value for name, value in row.items() if name not in before or not is_doubtful(value)}
    changed = [name for name, value in said.items() if name in before and before[name] != value]
    return Merged({**before, **said}, changed)


class Repeats:
    """How often a track came again, and in which fields its rows differ.

    Of each track four bytes per field are kept, 230 bytes in all: enough to see that a value is another one, too few to say
    which it was. Whoever needs the merged row keeps it (`merge`).

    >>> repeats = Repeats(["track_id", "tempo", "key"])
    >>> for tempo in (120.0, 121.0):
    ...     repeats.add("t", {"track_id": "t", "tempo": tempo, "key": 5})
    >>> repeats.n_rows, dict(repeats.changed)
    (1, {'tempo': 1})
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self.n_rows = 0
        """Of tracks that had one."""
        self.changed: Counter[str] = Counter()
        self._fields = tuple(fields)
        self._seen: dict[str, bytes] = {}

    def add(self, track_id: str, row: Mapping[str, Value]) -> None:
        """Take a clean row in."""
        now = [_digest(row.get(name)) for name in self._fields]
        before = self._seen.get(track_id)
        if before is not None:
            self.n_rows += 1
            pairs = list(zip(_split(before), now, strict=True))
            self.changed.update(name for name, (a, b) in zip(self._fields, pairs, strict=True) if a != b and NOTHING not in (a, b))
            now = [b if b != NOTHING else a for a, b in pairs]
        if before is not None or len(self._seen) < TRACKS_MAX:
            self._seen[track_id] = b"".join(now)


NOTHING: Final = bytes(4)


def _digest(value: Value | None) -> bytes:
    # One in four thousand million values is taken for none.
    return NOTHING if value is None else crc32(repr(value).encode("utf-8", "backslashreplace")).to_bytes(4, "little")


def _split(digests: bytes) -> list[bytes]:
    return [digests[k : k + 4] for k in range(0, len(digests), 4)]


class Recordings:
    """Links ids of one recording: same artist, same song, same version or a remaster, nearly the same length; 300 bytes for each.

    Every row of a track may be added: one that says another artist or title than those before makes it known under these too.
    """

    def __init__(self, songs_max: int = TRACKS_MAX) -> None:
        self._songs_max = songs_max
        self.takes: dict[int, list[tuple[float, str]]] = {}
        """Hash of a song -> (length in ms, the id it came under first) of its recordings."""

    def add(self, track_id: str, row: CleanRow) -> str | None:
        """The id under which the recording came before; None = it is new."""
        song, length = self.song(row), row.values.get("duration_ms")
        if song is None or not isinstance(length, int | float):
            return None
        takes = self.takes.get(song, [])
        apart_ms, first = min(((abs(other_ms - length), other) for other_ms, other in takes), default=(SAME_MS + 1, ""))
        if apart_ms > SAME_MS:
            first = track_id
        if apart_ms > 0 and len(takes) < TAKES_MAX and (takes or len(self.takes) < self._songs_max):
            # Linked ones too: a third release may be near to the second alone.
            self.takes.setdefault(song, []).append((float(length), first))
        return None if first == track_id else first

    @staticmethod
    def song(row: CleanRow) -> int | None:
        """The hash of artist, song and version; None = the row does not say them."""
        title, artist = row.title, row.values.get("artist")
        if title is None or not isinstance(artist, str):
            return None
        version = "" if title.kind in SAME_SOUND else folded(title.version)
        return xxh3("\0".join((folded(artist), folded(title.name), version)).encode("utf-8", "backslashreplace"))
