"""Listening lessons of a made-up audience: some listeners hear the same tracks again, some only new ones."""

from __future__ import annotations

import numpy as np

from online_models.arrays import Items
from online_models.lesson_formats import BROKEN_OFF, ERASED, HEARD_OUT, LISTENED, UNKNOWN, ListeningFormat
from online_models.model import Lesson

AT_MS = 1_700_000_000_000
MINUTE_MS, DAY_MS = 60_000, 86_400_000
USERS = 14


def listened_items(n: int, seed: int, *, source: int = 0) -> Items:
    """`n` lessons of `USERS` users of one partition; time goes back a little now and then, a user is erased now and then."""
    rng = np.random.default_rng(seed)
    items = np.zeros(n, LISTENED)
    users = np.random.default_rng(seed + 1_000 * (source + 1)).integers(0, 2**64 - 1, USERS, np.uint64)
    known: set[tuple[int, int]] = set()
    at_ms = AT_MS + int(rng.integers(0, DAY_MS))
    for i in range(n):
        at_ms += int(rng.choice([2 * MINUTE_MS, 50 * MINUTE_MS, DAY_MS // 2], p=[0.7, 0.2, 0.1]))
        who = int(rng.integers(0, USERS))
        track = int(rng.integers(1, 6 if who % 2 else 2**40)) << 8 | who
        ended = rng.choice([UNKNOWN, BROKEN_OFF, HEARD_OUT], p=[0.2, 0.3 if who % 3 else 0.05, 0.5 if who % 3 else 0.75])
        if rng.random() < 0.003:
            items[i] = (rng.integers(0, 2**63), users[who], 0, at_ms, 1.0, -1.0, 0.0, 0.0, 0.0, source, ERASED, 0)
            continue
        seconds = float(rng.integers(5, 300)) if ended else -1.0
        late_ms = int(rng.random() < 0.1) * 3 * MINUTE_MS
        plays = float(rng.integers(0, 500))
        is_new = (who, track) not in known
        known.add((who, track))
        event = rng.integers(0, 2**63)
        items[i] = (event, users[who], track, at_ms - late_ms, 1.0, seconds, 240.0, plays, plays // 2, source, ended, is_new)
    return items


def listening(n: int, seed: int) -> list[Lesson]:
    """The same as they are learned, with weights that differ."""
    form = ListeningFormat()
    items = listened_items(n, seed)
    return [form.read(item).lesson._replace(w=1.0 + k % 3) for k, item in enumerate(form.cut(memoryview(items.tobytes()), n))]
