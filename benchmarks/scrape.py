"""A worker's metrics endpoint, read once."""

from __future__ import annotations

import urllib.request
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

ANSWER_S: Final = 5.0
STAGES: Final = ("load", "compute", "apply", "publish")


class Scrape(NamedTuple):
    """Since the worker started."""

    plays: float
    lists: float
    """List pairs whose publication was acknowledged; what a claim publishes once more is not counted."""
    rounds: float
    users_in_memory: float
    tracks_in_memory: float
    user_loads: float
    track_loads: float
    stage_s: dict[str, float]
    """Wall time by stage."""

    def shown(self) -> dict[str, object]:
        """For the report; a play asks for one user's row."""
        n = max(1.0, self.plays)
        return {
            "plays_per_round": round(n / max(1.0, self.rounds)),
            "rows_in_memory": {"users": round(self.users_in_memory), "tracks": round(self.tracks_in_memory)},
            "user_hit_rate": round(1 - self.user_loads / n, 4),
            "row_loads_per_play": {"users": round(self.user_loads / n, 4), "tracks": round(self.track_loads / n, 4)},
            "stage_wall_us": {stage: round(1e6 * used_s / n, 2) for stage, used_s in self.stage_s.items()},
        }

    def a_round(self) -> dict[str, object]:
        """How many plays a round had, and how long its stages took on the wall: for latency."""
        n = max(1.0, self.rounds)
        return {
            "plays_per_round": round(self.plays / n, 1),
            "round_wall_ms": {stage: round(1e3 * used_s / n, 2) for stage, used_s in self.stage_s.items()},
        }


def scrape(port: int, namespace: str) -> Scrape:
    """Ask the worker whose metrics are at `port`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_S) as answer:
        text = answer.read().decode()
    prefix = namespace.replace("-", "_") + "_"
    found: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            label = sample.labels.get("kind") or sample.labels.get("stage") or ""
            if "le" not in sample.labels:
                found[sample.name.removeprefix(prefix), label] = sample.value
    return Scrape(
        plays=found.get(("round_plays_sum", ""), 0.0),
        lists=found.get(("lists_published_total", ""), 0.0),
        rounds=found.get(("round_plays_count", ""), 0.0),
        users_in_memory=found.get(("rows_in_memory", "user"), 0.0),
        tracks_in_memory=found.get(("rows_in_memory", "track"), 0.0),
        user_loads=found.get(("row_loads_total", "user"), 0.0),
        track_loads=found.get(("row_loads_total", "track"), 0.0),
        stage_s={stage: found.get(("round_stage_seconds_sum", stage), 0.0) for stage in STAGES},
    )
