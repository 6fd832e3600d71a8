"""The demo's catalogue on its way to Segue: what the audience plays, a shelf that nobody plays, and albums that come out unnoticed.

A real service has many tracks that hardly anybody plays, and micro-genres begin at 4,000. Of what comes out unnoticed people can only
know from their lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Final

import msgspec

from console.audience import Audience
from console.audience_catalogue import Album, Catalogue, Track
from console.audience_sound import record_of
from console.kafka_door import Sender

ROWS_PER_S: Final = 600.0
"""Sent while people listen: cleaning and learning share the machine with them."""
SHELF_ARTISTS: Final = 20
"""Per genre, two albums each: 4,000 tracks."""
UNNOTICED: Final = 80
"""Albums of the shelf that come out later, one every `RELEASE_EVERY_S`."""
RELEASE_EVERY_S: Final = 1.0


class DemoCatalogue:
    """Sends rows as their time comes.

    Parameters
    ----------
    topic : of tracks
    """

    def __init__(self, audience: Audience, seed: int, sender: Sender, topic: str) -> None:
        self._audience, self._sender, self._topic = audience, sender, topic
        rng = Random(f"shelf {seed}")
        shelf = _albums(Catalogue(rng, artists_per_genre=SHELF_ARTISTS, playlists_per_genre=0, prefix="s"))
        rng.shuffle(shelf)
        self._unnoticed = iter(shelf[:UNNOTICED])
        first = [*_albums(audience.catalogue), *shelf[UNNOTICED:]]
        self.n_tracks = sum(len(album.tracks) for album in first)
        self._waiting: Iterator[Track] = chain.from_iterable(album.tracks for album in first)
        self.n_sent = 0
        self._n_noticed = len(audience.releases)
        self.released: dict[str, tuple[Track, float]] = {}
        """What came out unnoticed: the track, and when, in seconds of the demo."""
        self._out_s = self.n_tracks / ROWS_PER_S

    def send_due(self, elapsed_s: float) -> None:
        """What is due after so long; what came out since goes first."""
        for album in self._audience.releases[self._n_noticed :]:
            self._send(album)
        self._n_noticed = len(self._audience.releases)
        while elapsed_s > self._out_s and (out := next(self._unnoticed, None)) is not None:
            self._out_s += RELEASE_EVERY_S
            self._send(out)
            self.released |= {track.track_id: (track, elapsed_s) for track in out.tracks}
        while self.n_sent < elapsed_s * ROWS_PER_S and (track := next(self._waiting, None)) is not None:
            self._send_one(track)
            self.n_sent += 1

    def _send(self, album: Album) -> None:
        for track in album.tracks:
            self._send_one(track)

    def _send_one(self, track: Track) -> None:
        self._sender.send(self._topic, track.track_id.encode(), msgspec.json.encode(record_of(track)))


def _albums(catalogue: Catalogue) -> list[Album]:
    return [album for artist in catalogue.artists for album in artist.albums]
