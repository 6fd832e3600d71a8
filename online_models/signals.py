"""The signals: what candidate sources say about a track, one number each, never negative.

Each source writes its own signals (`online_models/sources/`); stage 1 weighs them (`mixture.py`), features are made of
them (`features.py`). A new source adds its names here.
"""

from __future__ import annotations

import numpy as np

SIGNALS = (
    "next",  # played right after the last track, by anybody: share of its next plays
    "window",  # played soon after one of the last tracks (1 / lag)
    "before",  # played soon before one of them
    "near",  # played near one of them, on either side (0.9 ** lag)
    "next_of_second",  # played right after the second last track
    "skip_one",  # played two after the second last track
    "gapless",  # as `next`, where no pause lay between
    "people",  # as `next`, each person counted once
    "fresh",  # as `next`, older plays count less
    "reach",  # how many of the last tracks know it
    "age",  # how lately it followed the last track
    "alike",  # sessions that share tracks with this one went on to it
    "alike_aligned",  # the same, more where it comes at the place that would be next
    "alike_next",  # the same, right after the last track
    "own_next",  # this user played it after the last track before
    "own_window",  # this user played it soon after one of the last three
    "own_near",  # this user played it near one of the last tracks, on either side, in an earlier session (0.9 ** lag)
    "again",  # how lately and how often this user played it (ACT-R)
    "times",  # how often
    "last",  # how many plays ago
    "session_last",  # how many plays of this session ago
    "session_times",  # how often in this session
    "past_window",  # played soon after a track that the user played before the session's last ones
    "past_near",  # played near one
    "popular",  # what everybody plays these weeks
    "made",  # its artist made the last track, too: share of the artist's plays
    "album",  # it is on the album that the last play was of: share of the album's plays
)
N_SIGNALS = len(SIGNALS)

SOURCES = ("follows", "alike", "own", "again", "past", "popular", "liked", "made", "album", "releases")
"""What a list names as where an entry came from."""

NEXT, WINDOW, BEFORE, NEAR, NEXT_OF_SECOND, SKIP_ONE, GAPLESS, PEOPLE, FRESH, REACH, AGE = range(11)
ALIKE, ALIKE_ALIGNED, ALIKE_NEXT, OWN_NEXT, OWN_WINDOW, OWN_NEAR, AGAIN, TIMES, LAST = range(11, 20)
SESSION_LAST, SESSION_TIMES, PAST_WINDOW, PAST_NEAR, POPULAR, MADE = range(20, 26)
ALBUM = 26

SOURCE_OF = np.repeat(np.arange(len(SOURCES)), (11, 3, 3, 5, 2, 1, 0, 1, 1, 0))
"""(N_SIGNALS,) source of each signal: those of one source lie side by side."""
FIRST_SIGNAL = np.searchsorted(SOURCE_OF, np.arange(len(SOURCES) + 1))
"""(len(SOURCES) + 1,) the first signal of each source; the next one's is the end of it."""
FOLLOWS, ALIKE_SOURCE, OWN, AGAIN_SOURCE, PAST, POPULAR_SOURCE, LIKED_SOURCE, MADE_SOURCE, ALBUM_SOURCE, RELEASES_SOURCE = range(10)
LIKED_BIT, RELEASE_BIT = 30, 29
"""Bits of a candidate's `via`: it is there for a like's sake (`marks.py`), or as one that is new (`releases.py`), which are no signals."""
assert len(SOURCE_OF) == N_SIGNALS
