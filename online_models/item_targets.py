"""Where a round's items go: which partition of tracks each is for, and all items in the order of their targets."""

from __future__ import annotations

import numpy as np

from online_models.arrays import I32, I64
from online_models.kernel import kernel
from online_models.plays import Outcomes


@kernel
def group(item_target: I32, n_groups: int, order: I32, start: I64) -> None:
    """Stable counting sort: `order[start[g]:start[g + 1]]` are the items of group `g`, in order; `start` has n_groups + 2 places."""
    start[:] = 0
    for i in range(item_target.shape[0]):
        start[item_target[i] + 2] += 1
    for g in range(n_groups):
        start[g + 2] += start[g + 1]
    # Now start[g + 1] is where group g begins; it moves on to where the group ends, which is where the next one begins.
    for i in range(item_target.shape[0]):
        g = item_target[i] + 1
        order[start[g]] = i
        start[g] += 1


@kernel
def targets(out: Outcomes, event_part: I32, n_targets: int, target: I32) -> None:
    """`target[i]` = part of the item's event x `n_targets` + the tracks' partition that the item goes to."""
    for i in range(out.n_items[0]):
        item = out.items[i]
        target[i] = event_part[out.item_event[i]] * n_targets + np.int64(np.uint64(item.src) % np.uint64(n_targets))
