"""A chaos run is decided by its seed, strikes as it says, and counts what it saw."""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice

import msgspec
import pytest

from console.chaos import SCRIPTS, Options
from console.chaos_load import REPEATABLE, Load, Sent
from console.chaos_plan import FAIL_POINTS, GAP_S, plan_kills
from streams.fail_points import POINTS
from streams.intake import REJECTED, Intake
from tests.events_log import appended

NOW_MS = 1_764_582_600_000
PARTITIONS = 8


def records(seed: int, n: int) -> list[Sent]:
    return list(islice(Load(seed, NOW_MS, partitions=PARTITIONS).records(), n))


class TestPlan:
    def test_the_same_seed_is_the_same_schedule_and_another_is_another(self) -> None:
        assert plan_kills(40, 7) == plan_kills(40, 7) != plan_kills(40, 8)

    def test_a_third_of_the_kills_strike_at_fail_points_and_each_point_in_turn(self) -> None:
        points = Counter(kill.point for kill in plan_kills(40, 7) if kill.target == "fail-point")
        assert sum(points.values()) == math.ceil(40 / 3) and set(points) == set(FAIL_POINTS)
        assert max(points.values()) - min(points.values()) <= 1

    def test_the_fail_points_are_those_of_the_workers(self) -> None:
        assert set(FAIL_POINTS) == set(POINTS)

    @pytest.mark.parametrize(("kills", "supervisors"), [(1, 1), (3, 1), (20, 2), (40, 3), (400, 3)])
    def test_supervisors_die_beside_the_kills_that_were_asked_for(self, kills: int, supervisors: int) -> None:
        plan = plan_kills(kills, 7)
        assert sum(kill.target == "supervisor" for kill in plan) == supervisors
        assert sum(kill.target in ("worker", "fail-point") for kill in plan) == kills

    def test_kills_are_at_least_eight_seconds_apart(self) -> None:
        assert GAP_S[0] >= 8.0 and all(GAP_S[0] <= kill.after_s <= GAP_S[1] for kill in plan_kills(200, 3))

    @pytest.mark.parametrize("what", sorted(SCRIPTS))
    def test_every_script_says_how_many_bursts_it_sends_and_how_long_it_lasts(self, what: str) -> None:
        script = SCRIPTS[what](Options(what, 10_000, 3, 7))
        assert script.n_bursts >= 3 and script.seconds > 0


class TestLoad:
    def test_the_same_seed_is_the_same_load(self) -> None:
        assert records(5, 2_000) == records(5, 2_000) != records(6, 2_000)

    def test_users_are_interleaved_as_in_a_busy_service(self) -> None:
        load = records(7, 5_000)
        assert min(len({sent.key for sent in load[at : at + 500]}) for at in range(0, 5_000, 500)) > 400

    def test_only_what_is_meant_to_be_bad_is_refused_however_long_the_run(self) -> None:
        """No user's simulated time overtakes the wall clock."""
        intake = Intake(PARTITIONS)
        refused = 0
        for n, sent in enumerate(islice(Load(7, NOW_MS, partitions=PARTITIONS).records(), 220_000)):
            if n % 23 and n < 210_000:
                continue
            record = appended(
                sent.value, sent.key, sent.headers, timestamp=NOW_MS, partition=None if sent.partition < 0 else sent.partition
            )
            bad = intake.read([record], record.partition).kind[0] == REJECTED
            assert not (bad and sent.is_play), sent
            refused += bad
        assert refused > 20

    def test_a_repeated_event_lies_within_the_window_in_which_repeats_are_found(self) -> None:
        newest: dict[bytes, list[str]] = {}
        n_repeats = 0
        for sent in records(7, 60_000):
            if sent.key is None or sent.value is None or not sent.value.startswith(b'{"event_id"') or sent.value[-1:] != b"}":
                continue
            event_id = msgspec.json.decode(sent.value)["event_id"]
            seen = newest.setdefault(sent.key, [])
            if event_id in seen:
                n_repeats += 1
                assert len(seen) - 1 - seen.index(event_id) < 32
            elif sent.is_play:
                seen.append(event_id)
        assert n_repeats > 500 and REPEATABLE < 32
