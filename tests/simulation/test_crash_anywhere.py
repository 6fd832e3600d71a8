"""Exactly once, whatever happens wherever: many small worlds, each of one seed, judged by the oracle that judges real systems.

`make check` lives through a few hundred; the slow test (`make test`) through 10,000, and then every fault must have struck at every step at
least 20 times. More: `python -m tests.simulation.run --worlds 100000 --processes 4`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import child_environment
from tests.simulation.faults import FAULTS, STEPS, Plan, table
from tests.simulation.run import live, live_in_processes, thin

ROOT = Path(__file__).resolve().parents[2]
QUICK_WORLDS = 100
FULL_WORLDS = 10_000
PROCESSES = 2


@pytest.mark.timeout(120)
def test_a_few_worlds_keep_every_promise() -> None:
    wrong = {told.seed: (told.struck, told.wrong[:2]) for told in map(live, range(QUICK_WORLDS)) if told.wrong}
    assert not wrong, f"see `python -m tests.simulation.run --seed {min(wrong)}`"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_fault_at_every_step_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    hits, failed = live_in_processes(FULL_WORLDS, 0, PROCESSES)
    with capsys.disabled():
        print(f"\n{FULL_WORLDS} worlds, fault x step:\n{table(hits)}")
    assert not failed, f"{len(failed)} worlds, see `python -m tests.simulation.run --seed {failed[0].seed}`: {failed[0].wrong[:2]}"
    assert not thin(hits), "cells that were hit too seldom to mean anything"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_strikes_alone_and_early_is_survived(fault: str, step: str) -> None:
    """The first visit of a step is in a world that has just begun: no cursor, no snapshot, no rows."""
    told = live(4, Plan({(step, 1): fault}))
    assert told.struck == [(fault, step)]
    assert told.wrong == []


def test_a_seed_is_a_world_whatever_the_hash_seed() -> None:
    """A failing seed can be lived through again, in another process, event by event."""
    stories = set()
    for hash_seed in ("0", "1"):
        command = [sys.executable, "-m", "tests.simulation.run", "--seed", "8"]
        env = child_environment({"PYTHONHASHSEED": hash_seed})
        run = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=100)
        assert run.returncode == 0, run.stdout + run.stderr
        stories.add(run.stdout)
    assert len(stories) == 1
    assert stories.pop()
