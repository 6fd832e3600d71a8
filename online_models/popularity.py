"""The most popular tracks right now: a short list per tracks' partition, kept as plays arrive."""

from __future__ import annotations

from online_models.arrays import F64, I32, I64
from online_models.kernel import kernel
from online_models.track_state import TrackArrays, popularity_log2

TOP = 100
"""Tracks kept per partition and in the merged list."""


@kernel
def update_top(tracks: TrackArrays, slots: I32, slot_hash: I64, top: I64, score: F64, n: int) -> int:
    """Put the rows in `slots` where they belong in `top`, best first; returns the new length.

    Between two plays of a track its score does not change against another's, so a track that was not
    touched cannot rise: looking at the touched ones keeps the list exact.
    """
    for i in range(slots.shape[0]):
        s = slots[i]
        h = slot_hash[s]
        p = popularity_log2(tracks, s)
        if n == TOP and p <= score[n - 1]:
            continue  # a score only rises: a track that is in `top` has more than its last one, or is its last one
        at = n
        for j in range(n):
            if top[j] == h:
                at = j
                break
        if at == n:
            if n < TOP:
                n += 1
            else:
                at = n - 1
        while at > 0 and score[at - 1] < p:
            top[at] = top[at - 1]
            score[at] = score[at - 1]
            at -= 1
        top[at] = h
        score[at] = p
    return n
