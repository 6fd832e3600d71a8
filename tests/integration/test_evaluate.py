"""`segue evaluate plays --through-kafka` on real services: the same plays, measured twice, agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from infra.services import Addresses
from infra.settings import child_environment

ROOT = Path(__file__).resolve().parents[2]
N_PLAYS = 4_000
START_S = 1_420_070_400  # 2015-01-01, so that whole days lie in the log
STEP_S = 60

pytestmark = [pytest.mark.slow, pytest.mark.services, pytest.mark.timeout(200)]


def _listening(path: Path) -> Path:
    """Sixty users walk along a ring of forty tracks, and sometimes jump."""
    rng, at = Random(5), [0] * 60
    lines = ["user_id,track_id,played_at"]
    for n in range(N_PLAYS):
        user = rng.randrange(60)
        at[user] = rng.randrange(40) if rng.random() < 0.2 else (at[user] + 1) % 40
        lines.append(f"u{user},t{at[user]},{START_S + n * STEP_S}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_log_measured_in_one_process_and_through_kafka_agrees(services: Addresses, tmp_path: Path) -> None:
    given = {"SEGUE_KAFKA": services.kafka, "SEGUE_REDIS": services.redis, "SEGUE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "console", "evaluate", "plays", str(_listening(tmp_path / "plays.csv"))]
    command += ["--map", "played_at=played_at:s", "--rivals", "popularity", "--eval-from", "1442", "--through-kafka", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=child_environment(given), capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    live = report["through_kafka"]
    assert (live["applied"], live["duplicate"], live["rejected"]) == (N_PLAYS, 0, 0)
    assert live["quality"]["from_day"] == "2015-01-03" and live["quality"]["plays"] == report["tested"] > 300
    # Four of five go on along the ring; of those who jump, twenty of forty tracks hold half: .9 is what can be known.
    assert report["hr20"] > 0.85 > 0.7 > report["rivals"]["popularity"]["hr20"], "the ring is learned; guessing half of it is not enough"
    # Rounds are of a hundred plays in both, cut at other places.
    assert abs(live["differences"]["hr20"]) < 0.05
