"""Segments as a fold: labels are what the plays brought, restarts change nothing, reads leave no trace."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.model import BadSnapshot
from online_models.segments.features import HABIT_FEATURES, of_listener
from online_models.segments.fold import SegmentFold
from online_models.segments.habits import AWAY_MS, DAY_MS, HOUR_MS, LAST, Play, hear, new_habits
from online_models.segments.waiting import EXPLORING, FINISHING, RETURN_MS, RETURNING

MINUTE_MS = HOUR_MS // 60


def plays(n: int, seed: int) -> list[Play]:
    """Visits of three people over some months; two plays in three are known to be heard out or not, a few are late."""
    rng, found, at_ms = np.random.default_rng(seed), list[Play](), 10 * DAY_MS
    known: set[tuple[int, int]] = set()
    for _ in range(n):
        at_ms += int(rng.choice([4 * MINUTE_MS, 11 * HOUR_MS, 9 * DAY_MS], p=[0.85, 0.13, 0.02]))
        late_ms = int(rng.random() < 0.05) * HOUR_MS
        finished = None if rng.random() < 0.33 else bool(rng.random() < 0.8)
        pair = int(rng.integers(0, 3)), int(rng.integers(0, 60))
        found.append(Play(*pair, at_ms - late_ms, 200.0, finished, 210.0, is_new=pair not in known))
        known.add(pair)
    return found


def fed(fold: SegmentFold, some: list[Play], start: int = 0) -> list[tuple[str, int, bool, int, dict[str, float]]]:
    """(target, number, answer, new tracks counted, what was said) of all that was answered; every third play is asked about."""
    return [
        (found.question.target, found.question.number, found.y, found.question.new, found.question.said)
        for n, play in enumerate(some, start)
        for found in fold.play_one(play, ask_play=n % 3 == 0, ask_listener=n % 3 == 0)
    ]


@pytest.mark.parametrize("cut", [170])
def test_a_restored_fold_goes_on_bit_equally(cut: int) -> None:
    some = plays(240, 1)
    whole, first = SegmentFold(100), SegmentFold(100)
    answered = fed(whole, some)
    before = fed(first, some[:cut])
    second = SegmentFold.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    assert before + fed(second, some[cut:], cut) == answered
    assert second.snapshot() == whole.snapshot()
    assert {target for target, *_ in answered} == {EXPLORING, RETURNING, FINISHING}


def test_answers_are_what_the_plays_brought() -> None:
    """Against a second look at the whole log, without late plays."""
    some, fold = sorted(plays(200, 2), key=lambda play: play.at_ms), SegmentFold()
    asked = [n for n in range(len(some)) if n % 3 == 0]
    answered, counted = dict[tuple[str, int], bool](), dict[int, int]()
    for target, number, y, new, _ in fed(fold, some):
        answered[target, number] = y
        if target == EXPLORING:
            counted[number] = new
    known = [n for n in asked if some[n].finished is not None]
    n_returning = 0
    for number, n in enumerate(asked):
        own = [m for m in range(n + 1, len(some)) if some[m].user == some[n].user]
        if (RETURNING, number) in answered:
            n_returning += 1
            since = [some[m].at_ms - some[n].at_ms for m in own]
            assert answered[RETURNING, number] == any(AWAY_MS < ms <= RETURN_MS for ms in since)
        if (EXPLORING, number) in answered:
            before = {play.track for play in some[: n + 1] if play.user == some[n].user}
            tracks = [some[m].track for m in own[:LAST]]
            assert counted[number] == len(set(tracks) - before)
    for number, n in enumerate(known):
        assert answered.get((FINISHING, number), some[n].finished) == some[n].finished
    assert n_returning > 30 and len(counted) > 30


def test_exploring_is_more_new_tracks_than_the_median_so_far() -> None:
    fold = SegmentFold()
    at_ms, found = DAY_MS, []
    for block in range(4):  # nothing new, then all new, then nothing, then all
        for n in range(LAST + 1):
            track = 0 if block % 2 == 0 else 100 * block + n
            at_ms += MINUTE_MS
            play = Play(1, track, at_ms, is_new=track > 0 or block + n == 0)
            found += [a for a in fold.play_one(play, ask_play=False, ask_listener=n == 0) if a.question.target == EXPLORING]
    assert [a.question.new for a in found] == [0, 20, 0, 20]
    assert [a.y for a in found] == [False, True, False, True]


def test_who_is_forgotten_has_never_played_and_teaches_nothing() -> None:
    some, fold = plays(240, 3), SegmentFold()
    fed(fold, some[:160])
    fold.forget(1)
    assert fold.habits(1) is None and fold.habits(2) is not None
    later = [found for play in some[160:] for found in fold.play_one(play, ask_play=False, ask_listener=False)]
    assert later and not any(found.question.user == 1 for found in later)
    assert SegmentFold.restore(fold.snapshot()).snapshot() == fold.snapshot()


def test_a_full_queue_asks_nothing_and_counts_it() -> None:
    fold = SegmentFold(capacity=1)
    fold.play_one(Play(1, 1, DAY_MS, 200.0, True, 210.0), ask_play=True, ask_listener=True)
    assert (len(fold.waiting.questions), fold.waiting.n_left_out) == (1, 2)


def test_features_say_what_they_name() -> None:
    habits = new_habits(DAY_MS)
    for n, (at_ms, is_new) in enumerate(((DAY_MS, True), (DAY_MS + 5 * MINUTE_MS, False), (2 * DAY_MS, True))):
        hear(habits, Play(1, n, at_ms, 100.0, n != 1, is_new=is_new), at_ms)
    x = of_listener(habits, 2 * DAY_MS)
    assert list(x) == list(HABIT_FEATURES)
    assert x["new_share_of_last_20"] == pytest.approx((2 + 2.4) / 6) and x["last_was_new"] == 1.0
    assert np.expm1([x["plays_log"], x["sessions_log"], x["session_plays_log"], x["visits_log"]]) == pytest.approx([3, 2, 1, 2])
    assert np.expm1([x["days_known_log"], x["hours_away_before_log"]]) == pytest.approx([1.0, 24 - 1 / 12])
    assert x["return_share"] == pytest.approx((1 + 0.99) / 4) and x["finish_share"] == pytest.approx((2 + 4.5) / 8)


def test_torn_parts_are_refused() -> None:
    fold = SegmentFold()
    fed(fold, plays(40, 1))
    parts = fold.snapshot()
    for name in ("clock", "habits", "shares", "waiting", "x-exploring", "exploring/meta", "finishing/numbers", "returning/tree/nodes"):
        for broken in ({k: v for k, v in parts.items() if k != name}, {**parts, name: parts[name][:-1]}):
            with pytest.raises(BadSnapshot):
                SegmentFold.restore(broken)
