"""Listening lessons: every play of a sampled user, and the erasure, as two models learn them.

Which there are, in which order and under which numbers, follows from the log alone; what is said of the track is what its row
said when the lesson was first made.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from online_models.arrays import U16, Items
from online_models.events import ERASE, Events
from online_models.items import FINISHED
from online_models.lesson_formats import BROKEN_OFF, ERASED, HEARD_OUT, LISTENED, UNKNOWN
from online_models.plays import Outcomes
from streams.intake import FINISHED as SAID_FINISHED

PUPILS: Final = (("counts", 3), ("segments", 4))
"""Models that learn from them, and their partitions of the lessons topic, as in `online_models/registry.py` (a plays worker does not
import that, for it has no use for River)."""


def listened(events: Events, out: Outcomes, source: U16, rate: float) -> Items:
    """The round's lessons (n,) of LISTENED, in the order of the logs.

    Parameters
    ----------
    source: (n,) partition of events of each.
    rate: share of users who are sampled.
    """
    n = int(out.listens.n[0])
    i = out.listens.event[:n]
    lessons = np.zeros(n, LISTENED)
    if not n:
        return lessons
    erased = events.kind[i] == ERASE
    played, length = events.ms_played[i], events.duration_ms[i]
    known = (events.ended[i] == SAID_FINISHED) | (played >= 0) & (length > 0)
    finished = (out.flags[i] & FINISHED) != 0
    lessons["event_hash"] = events.event_hash[i].view(np.uint64)
    lessons["user"] = events.user[i].view(np.uint64)
    lessons["track"] = events.track[i].view(np.uint64)
    lessons["at_ms"] = events.at_ms[i]
    lessons["weight"] = 1.0 / rate
    lessons["seconds"] = np.where(played >= 0, played / 1000.0, -1.0)
    lessons["length_s"] = np.maximum(length, 0) / 1000.0
    lessons["track_plays"], lessons["track_finishes"] = out.listens.track[:n].T
    lessons["source"] = source
    lessons["ended"] = np.where(erased, ERASED, np.where(known, np.where(finished, HEARD_OUT, BROKEN_OFF), UNKNOWN))
    lessons["is_new"] = out.listens.is_new[:n]
    return lessons
