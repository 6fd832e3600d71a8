"""Each benchmark runs through, in its quick mode, on real services: whether it measures, not how fast the machine is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.document import document
from infra.services import Addresses
from infra.settings import child_environment

ROOT = Path(__file__).resolve().parents[2]
RUN_S_MAX = 280

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
REPORTS: dict[str, Any] = {}


def run(name: str, services: Addresses, folder: Path) -> Any:
    """The report of `segue bench NAME --quick --json`; its stdout is that one object."""
    environment = child_environment({"SEGUE_KAFKA": services.kafka, "SEGUE_REDIS": services.redis, "SEGUE_DATA_DIR": str(folder)})
    command = [sys.executable, "-m", "console", "bench", name, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX)
    assert done.returncode == 0, done.stderr
    REPORTS[name] = json.loads(done.stdout)
    return REPORTS[name]


def test_the_pipeline_benchmark_reports_cpu_per_play_and_the_ratio(services: Addresses, tmp_path: Path) -> None:
    report = run("pipeline", services, tmp_path)
    assert report["plays_per_cpu_s"] > 0 and report["ratio_to_rival"] > 1
    assert report["lists_per_play"] == pytest.approx(1.0, abs=0.001)
    assert report["users_per_500_plays"] > 400
    assert report["finish_model_served"] is True
    assert report["services"]["redis_aof"] is True
    stages = report["stages"]
    assert {"decode", "learn and rank", "lists as JSON", "apply", "publish", "tracks side"} <= stages["main_thread_us"].keys()
    assert {"consumer (aiokafka)", "librdkafka"} <= stages["other_threads_us"].keys()
    assert stages["list_pair"]["bytes"] > stages["list_pair"]["bytes_in_redis"] > 1_000
    assert report["redis_bytes_per_play"] > 1_000


def test_the_latency_benchmark_reports_both_rates_beside_the_echo_app(services: Addresses, tmp_path: Path) -> None:
    report = run("latency", services, tmp_path)
    for rate in ("200", "1000"):
        assert {"p50_ms", "p99_ms", "p50_ratio", "p99_ratio", "cpu_share", "echo_p50_ms", "echo_p99_ms"} <= report[rate].keys()
        assert report[rate]["unanswered"] == 0
        assert report[rate]["rounds"]["segue"][0]["plays"] > 2 * int(rate)
    assert report["cores"] > 0


def test_the_memory_benchmark_reports_the_worker_and_what_redis_holds(services: Addresses, tmp_path: Path) -> None:
    report = run("memory", services, tmp_path)
    assert report["rss_peak_mb"] >= report["rss_mb"] > 50
    for what in ("redis_bytes_per_user", "redis_bytes_per_track"):
        assert report[what]["sampled"] == 1_000 and report[what]["mean"] > 100
    of_user = report["redis_bytes_per_user"]
    assert of_user["mean"] == of_user["list"] + of_user["learned"] and 500 < of_user["list"] < 4_000
    assert 3_000 < report["worker_bytes_per_row"]["track"] < 6_000 and report["worker_bytes_per_row"]["user"] > 2_000
    assert report["rows_in_memory"]["users"] == report["users"]


def test_the_document_is_made_of_the_reports() -> None:
    assert REPORTS.keys() == {"pipeline", "latency", "memory"}, "the tests above run first"
    text = document(REPORTS)
    assert f"**{REPORTS['pipeline']['ratio_to_rival']} x**" in text
    assert "| 1000/s |" in text and "| worker, resident / highest |" in text
