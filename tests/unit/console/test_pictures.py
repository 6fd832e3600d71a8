"""Pictures hold what the report says: each contender's curve, each group's points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from console import pictures
from console.trouble import Trouble


def _contender(*values: float | None) -> dict[str, object]:
    return {"curve": [{"until": 10 * (k + 1), "hr20": value, "mrr20": value} for k, value in enumerate(values)]}


REPORT = {
    "file": "log.csv",
    "preset": "fast",
    "tested_are": "plays",
    **_contender(None, 0.2, 0.4),
    "rivals": {"markov": _contender(0.1, 0.2, 0.3), "sampled": {}},
}


def test_a_learning_curve_has_a_line_per_contender_that_was_measured_on_the_whole_log() -> None:
    hr, _ = pictures.learning_curve(REPORT).axes
    assert [line.get_label() for line in hr.lines] == ["Segue, fast", "markov"]
    assert np.asarray(hr.lines[0].get_xydata()).tolist() == [[20, 0.2], [30, 0.4]], "a part without plays is no zero"


def test_a_map_names_the_largest_groups_and_counts_the_others() -> None:
    names = [f"g{k}" for k in range(pictures.LEGEND_MAX + 2)]
    groups = [name for k, name in enumerate(names) for _ in range(len(names) - k)]
    figure = pictures.track_map(np.random.default_rng(1).normal(size=(len(groups), 2)), groups, "about")
    points = figure.axes[0].collections
    assert [str(it.get_label()) for it in points][-2:] == ["g23 (3)", "2 others (3)"]
    assert sum(len(np.asarray(it.get_offsets())) for it in points) == len(groups)


@pytest.mark.parametrize(("name", "said"), [("curve.gif", "ends in one of"), ("nowhere/curve.png", "no folder")])
def test_a_picture_that_could_not_be_written_is_refused_before_any_work(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(Trouble, match=said):
        pictures.check_ending(tmp_path / name, "segue")


def test_the_ending_says_what_is_written(tmp_path: Path) -> None:
    for name, begins in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        pictures.write(pictures.learning_curve(REPORT), tmp_path / name, "segue")
        assert (tmp_path / name).read_bytes().startswith(begins)
