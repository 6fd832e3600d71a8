"""Was a user erased since they did something? Whoever comes back is a new user, and what the old one asked is nobody's any more."""

from __future__ import annotations

from typing import Final

import numpy as np
from xxhash import xxh3_64_intdigest as xxh3

from online_models import history
from streams.user_rows import UserRows

ROWS: Final = 16
"""The fewest that there may be."""


def is_of_this_life(row: bytes, user_id: str, partition: int, event_id: str) -> bool | None:
    """Is the event one of those that made this user's row? None: the row no longer knows, it was more than `history.EVENT_IDS` ago.

    Raises
    ------
    BadRow : the row is another release's
    """
    users = UserRows(ROWS)
    users.load(user_id, partition, row)
    slot = users.slot_of[user_id]
    n = int(users.arrays.head[slot, history.N_EVENT_IDS])
    ids = users.arrays.event_ids[slot, : min(n, history.EVENT_IDS)]
    if np.count_nonzero(ids.view(np.uint64) == np.uint64(xxh3(event_id.encode()) or 1)):
        return True
    return None if n > history.EVENT_IDS else False
