"""The evaluation tells a cleaner that cleans from one that does nothing, and one that changes what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from evaluation import cleaning
from evaluation.cleaning import evaluate
from online_models.cleaning.rows import CleanRow, RowCleaner
from tests.small_catalogue import catalogue

ROWS = catalogue(500)


@contextmanager
def steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


@pytest.fixture(autouse=True)
def few_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "USERS_N", 300)


def run(rate: float = 0.2) -> dict[str, Any]:
    return evaluate(ROWS, [1], rate, steps)


def test_the_report_is_the_same_for_the_same_seed_and_says_everything() -> None:
    found, again = run(), run()
    for report in (found, again):
        report["runs"][0]["tracks"].pop("us_per_row")
    assert found == again
    tracks = found["runs"][0]["tracks"]
    assert tracks["rows"] >= len(ROWS) and tracks["hit"] + tracks["clean_rows"] == tracks["rows"]
    assert found["goals_met"].keys() == found["worst"].keys() == {"corrected_share", "changed_share", "not_finite", "accuracy_loss"}
    counted = [sum(kind[name] for kind in found["kinds"]) for name in ("faults", "correctable", "corrected")]
    assert counted == [
        sum(found["runs"][0][table][name] for table in ("tracks", "users")) for name in ("faults", "correctable", "corrected")
    ]
    assert found["over_seeds"]["tracks"]["corrected_share"] == [tracks["corrected_share"]] * 3
    assert found["worst"]["corrected_share"] > 0.95 and found["worst"]["not_finite"] == 0


def test_what_dirt_costs_a_model_is_measured_on_the_same_tracks() -> None:
    accuracy = run()["runs"][0]["accuracy"]
    assert set(accuracy) == {"naive Bayes", "softmax"}
    for model in accuracy.values():
        low, loss, high = model["loss"]
        assert low <= loss <= high and loss == pytest.approx(model["clean"] - model["cleaned"], abs=2e-5)


def test_a_cleaner_that_takes_everything_as_it_is_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_it_is(self: RowCleaner, raw: Mapping[str, Any]) -> CleanRow:
        return CleanRow({name: value for name, value in raw.items() if value is not None}, {}, [], [], {})

    monkeypatch.setattr(RowCleaner, "clean_one", as_it_is)
    monkeypatch.setattr(RowCleaner, "learn_one", lambda self, raw, row: None)
    monkeypatch.setattr(cleaning, "losses", lambda made, cleaned, seed, steps: {})
    found = run()
    assert found["worst"]["corrected_share"] < 0.1 and not found["goals_met"]["corrected_share"]
    assert found["worst"]["not_finite"] > 0 and not found["goals_met"]["not_finite"]


def test_a_cleaner_that_changes_what_is_right_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = RowCleaner.clean_one

    def too_eager(self: RowCleaner, raw: Mapping[str, Any]) -> CleanRow:
        row = cleaned(self, raw)
        if "album" in row.values:
            row.values["album"] = str(row.values["album"]).replace("Silver", "Gold")
        return row

    monkeypatch.setattr(RowCleaner, "clean_one", too_eager)
    tracks = run()["runs"][0]["tracks"]
    assert tracks["changed_share"] > 0.05
    assert tracks["changed_beside"] > 0
    field, before, after = tracks["changed_examples"][0]
    assert field == "album" and before.replace("Silver", "Gold") == after


def test_rows_without_ids_are_no_catalogue() -> None:
    with pytest.raises(ValueError, match="no row has an id"):
        evaluate([{"title": "x"}], [1], 0.1, steps)
