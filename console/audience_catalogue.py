"""An invented catalogue: genres, artists, albums in order, editorial playlists, and new releases.

Everything comes from one seeded generator, so the same seed is the same catalogue.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import NamedTuple

GENRES = ("rock", "pop", "jazz", "folk", "techno", "soul", "metal", "hiphop", "ambient", "classical")
FIRST = ("Silver", "Night", "Paper", "Golden", "Quiet", "Electric", "Hollow", "Velvet", "Distant", "Summer", "Broken", "Crystal")
SECOND = (
    "Rivers",
    "Foxes",
    "Gardens",
    "Engines",
    "Harbour",
    "Satellites",
    "Letters",
    "Orchard",
    "Mirrors",
    "Thunder",
    "Lanterns",
    "Wolves",
)
ADJECTIVES = ("Blue", "Last", "Slow", "Bright", "Lost", "Wild", "Cold", "Tender", "Open", "Strange", "Early", "Heavy", "Sweet", "Low")
NOUNS = (
    "Morning",
    "Train",
    "Window",
    "Ocean",
    "Letter",
    "Fire",
    "Street",
    "Winter",
    "Dancer",
    "Signal",
    "Mountain",
    "Promise",
    "Rain",
    "Home",
)

ALBUM_TRACKS_MIN, ALBUM_TRACKS_MAX = 8, 12
PLAYLIST_TRACKS = 20
ARTIST_RANK_POWER = 0.8
"""An artist's share of its genre falls as 1 / rank^power: a few stars, a long tail."""
GENRE_RANK_POWER = 0.5


class Track(NamedTuple):
    """One track; `charm` in [-1, 1] is how much better than its genre listeners find it."""

    track_id: str
    title: str
    artist: str
    album: str
    genre: int
    duration_ms: int
    charm: float


class Album(NamedTuple):
    """Tracks in the order in which people hear them."""

    title: str
    artist: int
    genre: int
    tracks: tuple[Track, ...]


class Artist(NamedTuple):
    """`number` counts artists over all genres; `share` is unnormalised, within the genre."""

    number: int
    name: str
    genre: int
    share: float
    albums: list[Album]


class Catalogue:
    """All that can be played, growing by releases; every id begins with `prefix`.

    >>> catalogue = Catalogue(Random(1))
    >>> catalogue.artists[0].albums[0].tracks[0].track_id
    't-rock-0001'
    """

    def __init__(
        self, rng: Random, *, artists_per_genre: int = 6, albums_per_artist: int = 2, playlists_per_genre: int = 3, prefix: str = "t"
    ) -> None:
        self._rng, self._prefix = rng, prefix
        self._n_tracks = [0] * len(GENRES)
        self.artists: list[Artist] = []
        self.artist_shares: list[list[float]] = []
        """Per genre: cumulative shares of its artists, for `Random.choices`."""
        self.by_genre: list[list[Artist]] = [self._found_genre(genre, artists_per_genre, albums_per_artist) for genre in range(len(GENRES))]
        self.playlists: list[list[tuple[Track, ...]]] = [
            [self._playlist(genre) for _ in range(playlists_per_genre)] for genre in range(len(GENRES))
        ]
        self.genre_shares = [1.0 / (rank + 1) ** GENRE_RANK_POWER for rank in range(len(GENRES))]

    @property
    def n_tracks(self) -> int:
        return sum(self._n_tracks)

    def release(self, artist: Artist) -> Album:
        """A new album of `artist`, appended to its albums."""
        album = self._album(artist.number, artist.name, artist.genre)
        artist.albums.append(album)
        return album

    def pick_artist(self, genre: int, rng: Random) -> Artist:
        """An artist of `genre`, by its share."""
        return rng.choices(self.by_genre[genre], cum_weights=self.artist_shares[genre])[0]

    def _found_genre(self, genre: int, n_artists: int, n_albums: int) -> list[Artist]:
        founded = []
        for rank in range(n_artists):
            artist = Artist(len(self.artists), self._artist_name(), genre, 1.0 / (rank + 1) ** ARTIST_RANK_POWER, [])
            self.artists.append(artist)
            founded.append(artist)
            for _ in range(n_albums):
                self.release(artist)
        self.artist_shares.append(list(accumulate(artist.share for artist in founded)))
        return founded

    def _artist_name(self) -> str:
        """A two-word name; a third word keeps it unique once the pairs run out."""
        taken = {artist.name for artist in self.artists}
        name = f"{self._rng.choice(FIRST)} {self._rng.choice(SECOND)}"
        while name in taken:
            name = f"{self._rng.choice(FIRST)} {self._rng.choice(SECOND)} {len(taken)}"
        return name

    def _album(self, artist: int, name: str, genre: int) -> Album:
        rng = self._rng
        title = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"
        tracks = tuple(self._track(genre, name, title) for _ in range(rng.randint(ALBUM_TRACKS_MIN, ALBUM_TRACKS_MAX)))
        return Album(title, artist, genre, tracks)

    def _track(self, genre: int, artist: str, album: str) -> Track:
        rng = self._rng
        self._n_tracks[genre] += 1
        duration_ms = int(min(max(rng.gauss(215_000, 50_000), 90_000), 480_000))
        title = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"
        return Track(
            f"{self._prefix}-{GENRES[genre]}-{self._n_tracks[genre]:04d}",
            title,
            artist,
            album,
            genre,
            duration_ms,
            min(max(rng.gauss(0, 0.4), -1), 1),
        )

    def _playlist(self, genre: int) -> tuple[Track, ...]:
        """Editorial: a fixed order of the genre's tracks by several artists."""
        tracks = [track for artist in self.by_genre[genre] for album in artist.albums for track in album.tracks]
        return tuple(self._rng.sample(tracks, min(PLAYLIST_TRACKS, len(tracks))))
