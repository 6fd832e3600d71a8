"""Names of clusters: what is over-represented in each, and nothing where there is nothing to compare with."""

from __future__ import annotations

import warnings

import numpy as np

from online_models.clusters.naming import names
from online_models.clusters.track import track_of

N = 200
COLOURS = ("red", "blue")


def test_a_label_that_everything_has_names_nothing_and_divides_by_nothing() -> None:
    labels = np.arange(N) % 2
    tracks = [
        track_of({"track_id": f"t{i}", "genre": "rock", "title": f"{COLOURS[i % 2]} word{i % 7} song{i}", "energy": 0.5}) for i in range(N)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = names(tracks, labels, 2)
    assert [name.label for name in found] == [(), ()]
    assert [[term.text for term in name.word] for name in found] == [["red"], ["blue"]]
