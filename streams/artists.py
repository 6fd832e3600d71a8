"""Artists and albums as numbers: the names that plays carry, as they are compared, hashed with the key of ids in spaces of their own."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from online_models.artists import NOT_ASKED, NOT_SAID

KNOWN_MAX: Final = 65_536
"""Names whose hash is kept, some 150 bytes each; a miss costs 2 us."""
_SPACE: Final = b"artist"
_ALBUMS: Final = b"album"
_OTHER: Final = 1
"""Instead of a hash that means something else in kernels."""


def plain(name: str) -> str:
    """A name as it is compared: letters alone decide.

    >>> plain("  Sigur  RÓS ") == plain("Sigur Rós")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def artist_hash(name: str, key: bytes) -> int:
    """The keyed hash of an artist as a signed 64-bit integer; NOT_SAID for a name without letters.

    >>> artist_hash("Sigur Rós", b"segue") == artist_hash(" SIGUR RÓS", b"segue"), artist_hash(" ", b"segue")
    (True, 0)
    """
    text = plain(name)
    return _hash(text, key, _SPACE) if text else NOT_SAID


def album_hash(artist: str, album: str, key: bytes) -> int:
    """The same of an album, which the artist's name is part of: 'Greatest Hits' are as many albums as artists have them.

    >>> album_hash("Nico", "Desertshore", b"segue") == album_hash("NICO ", "desertshore", b"segue")
    True
    >>> album_hash("Nico", "Hits", b"segue") == album_hash("Nena", "Hits", b"segue"), album_hash(" ", "Hits", b"segue")
    (False, 0)
    """
    of, text = plain(artist), plain(album)
    return _hash(f"{of}\0{text}", key, _ALBUMS) if of and text else NOT_SAID


def _hash(text: str, key: bytes, space: bytes) -> int:
    value = int.from_bytes(blake2b(text.encode(), digest_size=8, key=key, person=space).digest(), "little", signed=True)
    return _OTHER if value in (NOT_SAID, NOT_ASKED) else value


class ArtistHashes:
    """Hashes of the names that came lately."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hash_of: dict[str | None, int] = {None: NOT_SAID}
        self._album_of: dict[tuple[str, str], int] = {}

    def hashes(self, names: Sequence[str | None]) -> list[int]:
        """One hash per name; NOT_SAID where there is none."""
        if not any(names):
            return [NOT_SAID] * len(names)
        known = map(self._hash_of.get, names)
        return [self._learn(name) if found is None else found for name, found in zip(names, known, strict=True)]

    def albums(self, names: Sequence[str | None], albums: Sequence[str | None]) -> list[int]:
        """One hash per album of an artist; NOT_SAID where either has no name."""
        if not any(albums):
            return [NOT_SAID] * len(albums)
        return [self._album(name, album) if name and album else NOT_SAID for name, album in zip(names, albums, strict=True)]

    def _album(self, name: str, album: str) -> int:
        found = self._album_of.get((name, album))
        if found is None:
            if len(self._album_of) > KNOWN_MAX:
                self._album_of = {}
            found = self._album_of[name, album] = album_hash(name, album, self._key)
        return found

    def _learn(self, name: str | None) -> int:
        assert name is not None, "no name is always known"
        if len(self._hash_of) > KNOWN_MAX:
            self._hash_of = {None: NOT_SAID}
        found = self._hash_of[name] = artist_hash(name, self._key)
        return found
