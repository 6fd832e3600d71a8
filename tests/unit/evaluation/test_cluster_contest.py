"""What is told of rivals of clusters."""

from __future__ import annotations

import numpy as np

from evaluation.cluster_contest import LEFT_OUT, _against


def test_a_rival_is_set_against_ours_on_the_tracks_that_it_was_asked_about() -> None:
    target = np.repeat([0, 1], 100)
    mine, theirs = target.copy(), target.copy()
    mine[:50] = 1 - mine[:50]
    theirs[:50] = LEFT_OUT
    found = _against(mine, target, 1, {"rival": theirs})["rival"]
    assert (found["ami"], found["ours"], found["number"], found["tracks"]) == (1.0, 1.0, 2, 150)
    assert found["ahead"] == [0.0, 0.0, 0.0]


def test_of_many_small_clusters_no_interval_is_told() -> None:
    """A resample repeats tracks, so small clusters seem to say more than they do, and the interval would not hold the difference."""
    target = np.repeat([0, 1], 100)
    found = _against(target, target, 1, {"small": np.arange(200) // 2})["small"]
    assert found["ahead"] is None and found["number"] == 100 and found["ami"] < found["ours"] == 1.0
