"""Rows of the catalogue as the workers cleaned them, many at once: the few fields that lists show and are sorted by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final
from urllib.parse import unquote

import msgspec

from console.catalogue_state import OUTCOMES, outcomes, place_of
from console.progress import Steps
from console.redis_door import State
from console.trouble import Exit, Trouble

READ_AT_ONCE: Final = 500
IMPORT: Final = "segue import catalogue FILE --wait"


class Sound(msgspec.Struct, frozen=True):
    """Audio features, as far as they are known."""

    energy: float | None = None
    valence: float | None = None
    tempo: float | None = None


class Row(msgspec.Struct, frozen=True):
    """What is read of a row's JSON; it holds more."""

    title: str | None = None
    artist: str | None = None
    genre: str | None = None
    features: Sound = Sound()


_decode = msgspec.json.Decoder(Row).decode


class CatalogueRows:
    """The third door's rows of tracks; every method raises `Trouble` where Redis is away."""

    def __init__(self, state: State) -> None:
        self._state, self._place = state, place_of(state.settings, users=False)

    def exist(self) -> bool:
        """Did a worker ever take a track in?"""
        return outcomes(self._state, self._place)[OUTCOMES[0]] > 0

    def require(self) -> None:
        """Raises `Trouble` where no catalogue was imported."""
        if not self.exist():
            raise Trouble(Exit.FAILURE, f"there is no catalogue: no worker has taken a record of {self._place.topic} in", IMPORT)

    def read(self, tracks: Sequence[str]) -> dict[str, Row]:
        """Rows by id, of the tracks that have one; a round trip for some hundreds."""
        found: dict[str, Row] = {}
        for start in range(0, len(tracks), READ_AT_ONCE):
            some = tracks[start : start + READ_AT_ONCE]
            rows = self._state.many([(self._place.row_key(track), ("row",)) for track in some])
            found.update({track: _decode(row[0]) for track, row in zip(some, rows, strict=True) if row[0] is not None})
        return found

    def every(self) -> Iterator[dict[str, Row]]:
        """Every row, some hundreds at a time, one perhaps twice; progress on stderr."""
        keys, done = self._state.catalogue_keys(), 0
        with Steps("tracks of the catalogue", None) as steps:
            while some := list(islice(keys, READ_AT_ONCE)):
                done += len(some)
                steps.show(done)
                yield self.read([unquote(key.rpartition(":")[2]) for key in some])
