"""Plays in, taught models out: restarts change nothing, questions do not see their labels, features say what they name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from online_models.counts.features import FEATURES
from online_models.counts.fold import CountFold
from online_models.counts.listener import TRACKS
from online_models.counts.pending import DAY_MS
from online_models.model import BadSnapshot, digest

HOUR_MS = DAY_MS // 24
MINUTE_MS = HOUR_MS // 60
Play = tuple[int, int, int, bool]


def plays(n: int, seed: int) -> list[Play]:
    """(user, track, at_ms, ask): sittings of a few people over four months, some plays late."""
    rng = np.random.default_rng(seed)
    found, at_ms = list[Play](), 10 * DAY_MS
    for _ in range(n):
        at_ms += int(rng.choice([3 * MINUTE_MS, 40 * MINUTE_MS, 12 * HOUR_MS], p=[0.7, 0.1, 0.2]))
        late_ms = int(rng.random() < 0.1) * 20 * HOUR_MS
        found.append((int(rng.integers(0, 90)) % 7, int(rng.geometric(0.05)), at_ms - late_ms, bool(rng.random() < 0.3)))
    return found


def fed(fold: CountFold, some: list[Play]) -> list[list[float]]:
    """What ripens, as the labels of each batch."""
    return [ripe.plays.tolist() for user, track, at_ms, ask in some for ripe in fold.play_one(user, track, at_ms, ask=ask)]


@pytest.mark.parametrize("cut", [0, 1, 300, 900, 1_199])
def test_a_restored_fold_goes_on_bit_equally(cut: int) -> None:
    some = plays(1_200, 1)
    whole = CountFold(2_000)
    labels = fed(whole, some)
    first = CountFold(2_000)
    before = fed(first, some[:cut])
    second = CountFold.restore(first.snapshot())
    assert digest(second.snapshot()) == digest(first.snapshot())
    assert before + fed(second, some[cut:]) == labels
    assert second.snapshot() == whole.snapshot()
    assert whole.models[0].n_lessons > 500 and whole.models[1].n_lessons > 500, "there was something to learn"


def test_asking_is_a_read_and_the_user_may_be_unknown() -> None:
    fold = CountFold()
    fed(fold, plays(400, 2))
    before = fold.snapshot()
    tracks, expected = fold.expect(3, fold.clock_ms + DAY_MS)
    assert len(tracks) == len(expected) > 0 and np.isfinite(expected).all()
    for nobody in (500, 10**6):
        assert fold.expect(nobody, fold.clock_ms)[0].tolist() == []
    assert fold.snapshot() == before


def test_an_answer_is_given_before_its_label_teaches() -> None:
    """Two worlds that are the same until the question is ripe answer it in the same way."""
    loud, quiet = CountFold(), CountFold()
    for fold, later in ((loud, 1), (quiet, 2)):
        fold.play_one(0, 1, DAY_MS, ask=True)
        for n in range(5):
            fold.play_one(0, later, 2 * DAY_MS + n, ask=False)
    found = [fold.play_one(1, 9, 20 * DAY_MS, ask=False)[0] for fold in (loud, quiet)]
    assert [ripe.plays.tolist() for ripe in found] == [[5.0], [0.0]]
    assert found[0].said.tolist() == found[1].said.tolist()
    assert loud.models[0].snapshot() != quiet.models[0].snapshot()


def test_features_say_what_they_name() -> None:
    fold = CountFold()
    for at_min, track in ((0, 1), (4, 2), (8, 1), (12, 2), (16, 1)):
        fold.play_one(0, track, DAY_MS + at_min * MINUTE_MS, ask=False)
    fold.play_one(0, 3, DAY_MS + 20 * MINUTE_MS, ask=False)
    fold.play_one(0, 1, DAY_MS + 24 * MINUTE_MS, ask=True)
    ripe = fold.play_one(0, 5, 20 * DAY_MS, ask=False)[0]
    rows = {int(track): dict(zip(FEATURES, x, strict=True)) for track, x in zip(ripe.track, ripe.x.tolist(), strict=True)}
    assert sorted(rows) == [1, 2, 3]
    assert [rows[t]["follows"] for t in (1, 2, 3)] == [0.0, 0.0, 1.0], "3 came after 1 the last time"
    assert [rows[t]["once"] for t in (1, 2, 3)] == [0.0, 0.0, 1.0]
    assert rows[1]["plays_log"] == pytest.approx(math.log(4)) and rows[1]["session_plays_log"] == pytest.approx(math.log(8))
    assert rows[2]["repeat_share_log"] == pytest.approx(math.log((4 + 0.51) / 10))
    assert rows[2]["age_log"] == pytest.approx(math.log(12 / 1440 + 1 / 144), abs=1e-6)
    assert rows[2]["session_hours_log"] == pytest.approx(math.log1p(0.4)) and rows[2]["in_session"] == 1.0
    assert rows[2]["activation_log"] == pytest.approx(math.log1p((1 + 0.5 ** (8 / 60)) * 0.5 ** (12 / 60)))


def test_only_the_newest_tracks_are_asked_about() -> None:
    fold = CountFold()
    for track in range(TRACKS + 5):
        fold.play_one(0, track, DAY_MS + track * MINUTE_MS, ask=False)
    fold.play_one(0, 5, 2 * DAY_MS, ask=False)
    tracks, _ = fold.expect(0, 2 * DAY_MS)
    assert sorted(tracks.tolist()) == list(range(5, TRACKS + 5))


def test_a_late_play_asks_nothing() -> None:
    fold = CountFold()
    fold.play_one(0, 1, 2 * DAY_MS, ask=False)
    fold.play_one(0, 2, DAY_MS, ask=True)
    assert fold.pending.n_asked == 0
    fold.play_one(0, 2, 2 * DAY_MS, ask=True)
    assert fold.pending.n_asked == 2


def test_a_late_play_of_another_user_is_not_late() -> None:
    fold = CountFold()
    fold.play_one(0, 1, 2 * DAY_MS, ask=False)
    fold.play_one(9, 2, DAY_MS, ask=True)
    assert fold.pending.n_asked == 1


def test_who_is_forgotten_has_never_played_and_teaches_nothing() -> None:
    some = plays(400, 3)
    fold, without = CountFold(), CountFold()
    fed(fold, some[:300])
    fold.forget(2)
    fed(without, [play for play in some[:300] if play[0] != 2])
    assert len(fold.expect(2, fold.clock_ms)[0]) == 0
    assert len(fold.expect(3, fold.clock_ms)[0]) == len(without.expect(3, without.clock_ms)[0]) > 0
    ripe = [found for play in some[300:] for found in fold.play_one(*play[:3], ask=play[3])]
    since = [asked for found in ripe for user, asked in zip(found.user.tolist(), found.asked_ms.tolist(), strict=True) if user == 2]
    assert since and min(since) >= some[300][2] - DAY_MS
    again = CountFold.restore(fold.snapshot())
    assert digest(again.snapshot()) == digest(fold.snapshot())
    for each in (fold, again):
        fed(each, plays(50, 5))
    assert digest(again.snapshot()) == digest(fold.snapshot())


def test_torn_parts_are_refused() -> None:
    fold = CountFold(100)
    fed(fold, plays(60, 1))
    parts = fold.snapshot()
    for name, part in parts.items():
        for broken in ({k: v for k, v in parts.items() if k != name}, {**parts, name: part[:-1]}):
            if part or name not in broken:
                with pytest.raises(BadSnapshot):
                    CountFold.restore(broken)
