"""Names and numbers that the contract fixes: topics, keys, partitions, hashes of ids."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from unicodedata import normalize
from urllib.parse import quote

MASK_32 = 0xFFFFFFFF
MURMUR_SEED = 0x9747B28C
MURMUR_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 of `data`, as an unsigned 32-bit number.

    >>> murmur2(b"21") == (-973932308) & 0xFFFFFFFF
    True
    """
    n = len(data)
    h = (MURMUR_SEED ^ n) & MASK_32
    whole = n - n % 4
    for at in range(0, whole, 4):
        k = (int.from_bytes(data[at : at + 4], "little") * MURMUR_M) & MASK_32
        k ^= k >> 24
        h = ((h * MURMUR_M) & MASK_32) ^ ((k * MURMUR_M) & MASK_32)
    if n % 4:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * MURMUR_M) & MASK_32
    h ^= h >> 13
    h = (h * MURMUR_M) & MASK_32
    return h ^ (h >> 15)


@lru_cache(maxsize=1 << 18)
def partition_of(key: bytes, n_partitions: int) -> int:
    """The partition that Kafka's default partitioner gives `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % n_partitions


@lru_cache(maxsize=1 << 20)
def id_hash(text: str, id_key: str) -> int:
    """64-bit keyed hash of an id, signed as it stands in rows and items; never 0."""
    digest = blake2b(text.encode("utf-8"), digest_size=8, key=id_key.encode("utf-8")).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def plain(name: str) -> str:
    """An artist's name as names are compared: compatible characters and cases are alike, white space separates."""
    return " ".join(normalize("NFKC", name).casefold().split())


@lru_cache(maxsize=1 << 16)
def artist_hash(name: str, id_key: str) -> int:
    """64-bit keyed hash of an artist, of a space apart from ids; 0 = a name of nothing. Neither 0 nor -1 otherwise."""
    if not plain(name):
        return 0
    digest = blake2b(plain(name).encode("utf-8"), digest_size=8, key=id_key.encode("utf-8"), person=b"artist").digest()
    found = int.from_bytes(digest, "little", signed=True)
    return 1 if found in {0, -1} else found


@lru_cache(maxsize=1 << 16)
def album_hash(artist: str, album: str, id_key: str) -> int:
    """The same of an album of an artist; 0 where either has no name."""
    if not plain(artist) or not plain(album):
        return 0
    names = "\0".join(map(plain, (artist, album))).encode("utf-8")
    found = int.from_bytes(blake2b(names, digest_size=8, key=id_key.encode("utf-8"), person=b"album").digest(), "little", signed=True)
    return 1 if found in {0, -1} else found


def unsigned(hash64: int) -> int:
    """The same 64 bits, read as an unsigned number: what partitions and samples are taken from."""
    return hash64 & 0xFFFFFFFFFFFFFFFF


def hex_hash(hash64: int) -> str:
    """16 hex digits of a hash, as in the field names of a tracks partition's `ids`."""
    return f"{unsigned(hash64):016x}"


class Names:
    """Topics and Redis keys of one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.events = f"{namespace}.events"
        self.recommendations = f"{namespace}.recommendations"
        self.dead_letters = f"{namespace}.dead-letters"
        self.answers = f"{namespace}.answers"
        self.deltas = f"{namespace}.internal.track-deltas"
        self.lessons = f"{namespace}.internal.lessons"
        self.verdicts = f"{namespace}.internal.verdicts"
        self.erasures = f"{namespace}.internal.erasures"
        self.meta = f"{namespace}:meta"

    def user_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{u{partition}}}:cursor"

    def user(self, partition: int, user_id: str) -> str:
        return f"{self.namespace}:{{u{partition}}}:user:{quote(user_id, safe='')}"

    def answers_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{q{partition}}}:cursor"

    def track_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:cursor"

    def track(self, partition: int, track_id: str) -> str:
        return f"{self.namespace}:{{t{partition}}}:track:{quote(track_id, safe='')}"

    def artist(self, partition: int, artist: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:artist:{hex_hash(artist)}"

    def album(self, partition: int, album: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:album:{hex_hash(album)}"

    def model(self, model: str, what: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:{what}"
