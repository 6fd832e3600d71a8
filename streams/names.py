"""Track ids in memory: from id to hash, from hash to the id, to its JSON text for a list, to who made it and where it belongs."""

from __future__ import annotations

import msgspec
import numpy as np

from online_models.arrays import I32, I64, U8
from online_models.artists import NOT_ASKED, NOT_SAID, NameTable
from online_models.bytes_copy import SLACK
from online_models.hashmap import find_many, new_map, put
from online_models.micro_genres import OTHERWISE, UNASKED
from streams.ids import HashCollision, id_hash
from streams.render import ENTRY_SCORE, ENTRY_START


class Names:
    """Some `names_max` tracks; beyond them `tidy` starts anew between rounds (what is needed is read again).

    `text[at:at + length]`, with (at, length) = `place[slot]`, is the id as a JSON string, quotes included; around it stands
    what is around it in a list (`streams/render.py`).
    """

    def __init__(self, names_max: int, key: bytes) -> None:
        self.names_max, self._key = names_max, key
        self.n_cleared = 0
        """How often every name was forgotten."""
        self.clear()

    def clear(self) -> None:
        """Forget every name."""
        self.n_cleared += 1
        self._room = 1024
        self.keys, self.slots = new_map(self._room)
        self.place: I64 = np.zeros((self._room, 2), np.int64)
        self.artist: I64 = np.full(self._room, NOT_ASKED, np.int64)
        self.cluster: I32 = np.full(self._room, UNASKED, np.int32)
        """Of each name, the micro-genre (`online_models/micro_genres.py`)."""
        self.n_made = 0
        """Above 0 once somebody said who made one of them."""
        self.text: U8 = np.zeros(1 << 16, np.uint8)
        self.longest = 0
        self._used = 0
        self._hash_of: dict[str, int] = {}
        self._id_of: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._id_of)

    def tidy(self) -> None:
        """Called between rounds only: positions in `text` do not outlive it."""
        if len(self._id_of) > self.names_max:
            self.clear()

    def all_known(self, tracks: I64) -> bool:
        """Is the id behind every one of these hashes known here? 0 is none."""
        found = np.empty(len(tracks), np.int32)
        find_many(self.keys, self.slots, tracks, found)
        return not np.count_nonzero(found[tracks != 0] < 0)

    def hashes(self, track_ids: list[str]) -> list[int]:
        """The ids' hashes, 0 for an empty id; their names are known afterwards. Raises `HashCollision`."""
        known = list(map(self._hash_of.get, track_ids))
        return [(self.learn(track) if track else 0) if h is None else h for track, h in zip(track_ids, known, strict=True)]

    def hash(self, track_id: str) -> int:
        """The id's hash; the name is known afterwards. Raises `HashCollision`."""
        known = self._hash_of.get(track_id)
        return known if known is not None else self.learn(track_id)

    def learn(self, track_id: str) -> int:
        """Take a name in."""
        track = id_hash(track_id, self._key)
        other = self._id_of.get(track)
        if other is not None and other != track_id:
            raise HashCollision(f"tracks {other!r} and {track_id!r} share the hash {track:x}; see operations.md, 'hash collision'")
        if other is not None:
            return track
        slot = len(self._id_of)
        if slot == self._room:
            self._grow()
        quoted = msgspec.json.encode(track_id)
        text = np.frombuffer(ENTRY_START + quoted + ENTRY_SCORE, np.uint8)
        end = self._used + len(text)
        while end + SLACK > len(self.text):
            self.text = np.concatenate((self.text, np.zeros(len(self.text), np.uint8)))
        self.text[self._used : end] = text
        self.place[slot] = self._used + len(ENTRY_START), len(quoted)
        self.longest = max(self.longest, len(quoted))
        self._used = end
        self._hash_of[track_id] = track
        self._id_of[track] = track_id
        put(self.keys, self.slots, track, slot)
        return track

    def _grow(self) -> None:
        self._room *= 2
        self.place = np.concatenate((self.place, np.zeros_like(self.place)))
        self.artist = np.concatenate((self.artist, np.full_like(self.artist, NOT_ASKED)))
        self.cluster = np.concatenate((self.cluster, np.full_like(self.cluster, UNASKED)))
        self.keys, self.slots = new_map(self._room)
        for slot, track in enumerate(self._id_of):
            put(self.keys, self.slots, track, slot)

    def id(self, track: int) -> str | None:
        """The id behind a hash, if it is known here."""
        return self._id_of.get(track)

    def unknown(self, tracks: list[int]) -> list[int]:
        """Those of `tracks` whose id is not known here."""
        return [t for t in tracks if t not in self._id_of]

    def unasked(self, tracks: list[int]) -> list[int]:
        """Those of `tracks` whose id is not known here, or of which nobody asked who made them."""
        slots = self._places(tracks)
        return [t for t, slot in zip(tracks, slots.tolist(), strict=True) if slot < 0 or self.artist[slot] == NOT_ASKED]

    def note_artists(self, tracks: list[int], artists: list[int]) -> None:
        """What Redis said of the makers of tracks that are known by name: hashes, or NOT_SAID."""
        self.artist[self._places(tracks)] = artists
        self.n_made += len(artists) - artists.count(NOT_SAID)

    def note_artists_of_new(self, tracks: list[int], artists: list[int]) -> None:
        """What the catalogue says of the makers of tracks that are known by name and hardly played, as far as no play said it.

        It does not count as `n_made`: blocks of artists are obeyed either way.
        """
        slots = self._places(tracks)
        untold = np.isin(self.artist[slots], (NOT_ASKED, NOT_SAID))
        self.artist[slots[untold]] = np.array(artists, np.int64)[untold]

    def without_cluster(self, tracks: list[int]) -> list[tuple[int, str]]:
        """Those of `tracks` that are known by name and of which nobody asked where they belong, with their ids."""
        slots = self._places(tracks).tolist()
        return [(t, self._id_of[t]) for t, slot in zip(tracks, slots, strict=True) if slot >= 0 and self.cluster[slot] <= UNASKED]

    def note_clusters(self, tracks: list[int], clusters: list[int]) -> None:
        """Where tracks belong that are known by name."""
        self.cluster[self._places(tracks)] = clusters

    def doubt_clusters(self) -> None:
        """What was said may be otherwise by now: it is good until somebody asks again."""
        self.cluster = np.where(self.cluster > UNASKED, OTHERWISE - self.cluster, self.cluster)

    def table(self) -> NameTable:
        """What kernels see; good until the next name."""
        return NameTable(self.keys, self.slots, self.artist)

    def _places(self, tracks: list[int]) -> I32:
        found = np.empty(len(tracks), np.int32)
        find_many(self.keys, self.slots, np.array(tracks, np.int64), found)
        return found
