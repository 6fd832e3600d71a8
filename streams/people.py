"""Users' ids as keyed hashes, remembered: which of them are sampled, and what a listening lesson calls them."""

from __future__ import annotations

from typing import Final

import numpy as np

from online_models.arrays import I64
from streams.ids import id_hash

KNOWN_MAX: Final = 131_072
"""Users whose hash is in memory, about 150 bytes each; a miss costs 1 us."""


class People:
    """The keyed hashes of users.

    >>> people = People(b"key")
    >>> people.hashes(["ana", "", "ana"]).tolist() == [id_hash("ana", b"key"), 0, id_hash("ana", b"key")]
    True
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, int] = {"": 0}

    def hashes(self, user_ids: list[str]) -> I64:
        """(n,), 0 for no user."""
        known = list(map(self._known.get, user_ids))
        return np.array([self._learn(user) if found is None else found for user, found in zip(user_ids, known, strict=True)], np.int64)

    def _learn(self, user_id: str) -> int:
        if len(self._known) >= KNOWN_MAX:
            self._known = {"": 0}
        return self._known.setdefault(user_id, id_hash(user_id, self._key))
