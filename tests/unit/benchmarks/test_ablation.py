"""The ranker without one part: that the part is gone, that nothing else is, and that what serves is never touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.ablation import COLUMNS, check, chosen, compared, measure, table
from benchmarks.ablation_variants import VARIANTS, WHOLE, Setup, hold, replace, set_up
from benchmarks.micro_rank import Log, new_events, new_known, quality, replay, run
from console.trouble import Trouble
from online_models import history, signals
from online_models.arrays import F64, I32
from online_models.artists import nobody_said
from online_models.context import N_TRUST
from online_models.features import FEATURES
from online_models.plays import MISS, NO_FINISH, NOT_TESTED, World, new_outcomes
from online_models.presets import PRESETS, new_ranker
from online_models.rank import new_best, new_lists
from online_models.weights import encode
from tests.circle_log import a_log

ROOT = Path(__file__).resolve().parents[3]
N = 600
SOURCE_OF = {
    "neighbouring": signals.FOLLOWS,
    "alike": signals.ALIKE_SOURCE,
    "past": signals.PAST,
    "popular": signals.POPULAR_SOURCE,
}
WITHOUT_CATALOGUE = {"genre_share", "micro_share"}
"""Features that are always 0 on a log alone."""
BY_DATA = [name for name, variant in VARIANTS.items() if variant.replaced is None and name != WHOLE]


class Seen(NamedTuple):
    said: F64  # (sources,) sum of what each said of any candidate, ever
    listed: set[int]  # sources named in `next`
    best: set[int]  # tracks that stood first


def prepared(name: str, log: Log) -> Setup:
    return set_up(VARIANTS[name], PRESETS["fast"], log.key_of)


def watched(name: str, log: Log) -> Seen:
    """Replay play by play, and look at every ranking."""
    setup = prepared(name, log)
    known, ranker, lists, out = new_known(log, setup.preset), new_ranker(setup.preset), new_lists(2), new_outcomes(N)
    world = World(nobody_said(known.tracks.map_keys, known.tracks.map_slots), NO_FINISH, 0.0, True)
    events, best, missing = new_events(log), new_best(), np.zeros(2, np.int64)
    said, listed, first = np.zeros(len(signals.SOURCES)), set(), set()
    for i in range(N):
        replay(known, events, i, i + 1, world, ranker, setup.weights, best, lists, out, missing)
        np.add.at(said, signals.SOURCE_OF, ranker.pool.signal[:, : ranker.pool.n[0]].sum(axis=1))
        listed |= set(lists.source[0, : lists.length[0]].tolist())
        first |= set(lists.track[0, : min(1, lists.length[0])].tolist())
        hashes, weight = setup.popular.after(known.tracks, log.track[i : i + 1])
        known = known._replace(popular=hashes, popular_weight=weight)
    return Seen(said, listed, first)


@pytest.fixture(scope="module")
def whole() -> Seen:
    return watched(WHOLE, a_log())


@pytest.mark.parametrize("name", list(SOURCE_OF))
def test_without_a_source_no_candidate_is_of_it(name: str, whole: Seen) -> None:
    source, seen = SOURCE_OF[name], watched(name, a_log())
    assert whole.said[source] > 0.0
    assert seen.said[source] == 0.0
    assert source not in seen.listed
    others = [s for s in range(len(signals.SOURCES)) if s != source and whole.said[s] > 0.0]
    # Sessions alike vote for candidates that others bring: little is left of them without neighbours, but something is.
    assert len(others) >= 5 and (seen.said[others] > 0.0).all()


@pytest.mark.parametrize("name", BY_DATA)
def test_every_variant_learns_something_else(name: str) -> None:
    log = a_log()
    setup, other = prepared(name, log), prepared(WHOLE, log)
    mine, theirs = run(log, setup.preset, N, setup.weights, setup.popular)[0], run(log, other.preset, N, other.weights, other.popular)[0]
    assert quality(mine)[0] > N // 2
    assert encode(setup.weights) != encode(other.weights)
    assert not np.array_equal(mine, theirs)
    assert all(np.isfinite(array).all() for array in (setup.weights.gate.weight, setup.weights.bilinear.weight))


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("cosines", {"like_last", "like_session", "like_user", "like_last_squared", "like_session_squared", "like_user_squared"}),
        ("squares", {name for name in FEATURES if name.endswith("_squared")}),
        ("own-near", {"own_near"}),
        ("kindred", {"kindred", "kindred_of_best", "kindred_of_best_squared"}),
        ("track", {"plays", "popular_now", "trend", "is_source", "plays_squared", "trend_squared"}),
    ],
)
def test_weights_of_a_group_stay_zero_and_all_others_move(name: str, gone: set[str]) -> None:
    log = a_log()
    setup = prepared(name, log)
    run(log, setup.preset, N, setup.weights, setup.popular)
    moved = (setup.weights.bilinear.weight != 0.0).any(axis=0)
    assert {FEATURES[f] for f in np.flatnonzero(~moved)} == gone | WITHOUT_CATALOGUE


def test_a_held_weight_is_a_feature_that_is_always_zero_to_the_last_bit() -> None:
    """Without neighbours these features are always 0: to hold their weights as well changes nothing."""
    log, always_zero = a_log(), ("next_raw", "window_raw", "next_of_best", "window_of_best")
    free, held = prepared("neighbouring", log), hold(always_zero)(prepared("neighbouring", log))
    mine, theirs = (run(log, s.preset, N, s.weights, s.popular)[0] for s in (free, held))
    assert np.array_equal(mine, theirs)
    assert np.array_equal(free.weights.bilinear.weight, held.weights.bilinear.weight)


def test_without_context_only_what_holds_always_is_learned() -> None:
    log = a_log()
    setup = prepared("context", log)
    run(log, setup.preset, N, setup.weights, setup.popular)
    assert (setup.weights.gate.weight[:, 1:] == 0.0).all() and (setup.weights.bilinear.weight[1:] == 0.0).all()
    assert {FEATURES[f] for f in np.flatnonzero(setup.weights.bilinear.weight[0] == 0.0)} == WITHOUT_CATALOGUE


def test_without_certainty_stage_2_reads_what_stage_1_does() -> None:
    log = a_log()
    setup = prepared("certainty", log)
    run(log, setup.preset, N, setup.weights, setup.popular)
    weight = setup.weights.bilinear.weight
    assert weight.shape[0] > N_TRUST and (weight[N_TRUST:] == 0.0).all() and (weight[:N_TRUST] != 0.0).any(axis=1).all()


def test_a_signal_that_is_silenced_is_not_trusted() -> None:
    log, k = a_log(), signals.SIGNALS.index("own_near")
    setup, own = prepared("own-near", log), set[bool]()
    known, ranker, lists, out = new_known(log, setup.preset), new_ranker(setup.preset), new_lists(2), new_outcomes(N)
    world = World(nobody_said(known.tracks.map_keys, known.tracks.map_slots), NO_FINISH, 0.0, True)
    for i in range(N):
        replay(known, new_events(log), i, i + 1, world, ranker, setup.weights, new_best(), lists, out, np.zeros(2, np.int64))
        r = known.users.head[log.slot[i], history.RANKING] - 1
        assert ranker.rankings.share[r, k] == 0.0 and ranker.rankings.share[r].sum() == pytest.approx(1.0, abs=1e-4)
        own.add(bool(ranker.pool.signal[k, : ranker.pool.n[0]].any()))
    assert own == {False, True}, "it says something where there were earlier sessions"


def test_without_stage_2_the_lists_are_in_the_order_of_the_mixture() -> None:
    log = a_log()
    setup = prepared("stage-2", log)
    known, ranker, lists, best = new_known(log, setup.preset), new_ranker(setup.preset), new_lists(2), new_best()
    world = World(nobody_said(known.tracks.map_keys, known.tracks.map_slots), NO_FINISH, 0.0, True)
    replay(known, new_events(log), 0, N, world, ranker, setup.weights, best, lists, new_outcomes(N), np.zeros(2, np.int64))
    r = known.users.head[log.slot[N - 1], history.RANKING] - 1
    n, score = ranker.rankings.n[r], ranker.pool.score.copy()
    score[ranker.chosen[:n]] = ranker.rankings.prior[r, :n]
    listed = score[best.next[: best.n[0]]]
    assert best.n[0] == 20 and (listed[1:] <= listed[:-1] * 1.01).all()


def test_a_kernel_is_not_replaced_among_those_that_serve() -> None:
    with pytest.raises(RuntimeError, match="a folder of its own"):
        replace(VARIANTS["own"])


IN_ITS_OWN_PROCESS = """
import sys
from benchmarks import ablated
ablated.use(sys.argv[1])
from benchmarks.ablation_variants import VARIANTS, replace
from benchmarks.micro_rank import new_known
from online_models import history, signals, two_stage
from online_models.presets import PRESETS, new_ranker
from tests.circle_log import a_log
from numba.core.dispatcher import Dispatcher
import msgspec
replace(VARIANTS[sys.argv[2]])
log, ranker = a_log(), new_ranker(PRESETS["fast"])
known = new_known(log, PRESETS["fast"])
head = known.users.head
known.users.track[0, :4] = log.key_of[[1, 2, 1, 3]]
known.users.at_s[0, :4] = [1, 200, 400, 600]
head[0, history.N_HISTORY], head[0, history.SESSION_N] = 4, 2
two_stage.gather(ranker, known, 0)
sums = ranker.pool.signal[:, : ranker.pool.n[0]].sum(axis=1)
kernels = [value for module in list(sys.modules.values()) for value in vars(module).values() if isinstance(value, Dispatcher)]
ours = [k.stats.cache_path for k in kernels if k.__module__.startswith(("online_models", "benchmarks"))]
print(msgspec.json.encode([dict(zip(signals.SIGNALS, sums.tolist())), ours]).decode())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own", "session"])
def test_a_source_that_is_replaced_says_nothing_and_the_usual_kernels_are_not_touched(name: str, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", IN_ITS_OWN_PROCESS, str(tmp_path), name], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    sums, folders = msgspec.json.decode(said, type=tuple[dict[str, float], list[str]])
    of_session = {"session_last", "session_times"}
    of_own = {"own_next", "own_window", "own_near", "again", "times", "last"}
    gone, there = (of_own, of_session) if name == "own" else (of_session, of_own)
    assert all(sums[signal] == 0.0 for signal in gone)
    assert all(sums[signal] > 0.0 for signal in there - {"own_next"}), "the last track was played once"
    assert len(folders) > 50 and all(Path(folder).is_relative_to(tmp_path) for folder in folders), "all its kernels are in the folder given"


def test_a_list_that_is_empty_without_the_part_missed() -> None:
    whole: I32 = np.array([NOT_TESTED, 1, 1, MISS] * 50, np.int32)
    mine: I32 = np.array([3, NOT_TESTED, 2, MISS] * 50, np.int32)
    found = compared(mine, whole, np.arange(200, dtype=np.int32), seed=1)["40-60 %"]
    assert found["tested"] == 30
    assert found["hr20"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["mrr20"]["value"] == pytest.approx(1 / 6, abs=1e-4)
    low, mean, high = found["hr20"]["ahead"]
    assert low < mean == pytest.approx(-1 / 3, abs=1e-4) and mean < high < 0.0


def test_variants_are_picked_by_name() -> None:
    assert chosen("squares, alike") == ["alike", "squares"]
    assert chosen("") == [name for name in VARIANTS if name != WHOLE]
    with pytest.raises(Trouble, match="no variant is called sqares; there are"):
        chosen("sqares")


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plays.parquet"
    pq.write_table(pa.table({"user_id": [1], "song_id": [1], "ts": [1]}), file)
    with pytest.raises(Trouble, match="no column playtime, session_id"):
        check(file, "fast")
    pq.write_table(pa.table({name: pa.array([], pa.int64()) for name in COLUMNS}), file)
    with pytest.raises(Trouble, match="has no play"):
        check(file, "fast")
    file.write_text("user_id,song_id")
    with pytest.raises(Trouble, match="cannot be read as parquet"):
        check(file, "fast")
    with pytest.raises(Trouble, match="no preset is called slow"):
        check(file, "slow")


@pytest.mark.slow
def test_the_command_measures_what_is_asked(tmp_path: Path) -> None:
    log, file = a_log(), tmp_path / "plays.parquet"
    columns = {"session_id": log.session, "user_id": log.slot, "song_id": log.track}
    times = {"ts": log.at_ms // 1000, "playtime": log.ms_played / 1000}
    pq.write_table(pa.table(columns | times), file)
    report = measure(file, "fast", ["context"], seed=1)
    assert list(report["variants"]) == [WHOLE, "context"]
    parts = {name: row["parts"]["last 20 %"] for name, row in report["variants"].items()}
    assert parts[WHOLE]["tested"] == parts["context"]["tested"] == 540
    assert parts[WHOLE]["hr20"]["value"] > 0.5 and parts[WHOLE]["hr20"]["ahead"] == [0.0, 0.0, 0.0]
    mine, theirs = parts["context"]["mrr20"], parts[WHOLE]["mrr20"]
    assert mine["ahead"][1] == pytest.approx(mine["value"] - theirs["value"], abs=1e-4)
    assert len({line.count("|") for line in table(report).splitlines()}) == 1
