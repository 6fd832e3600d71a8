"""The same plays through a real Kafka, a real Redis and a real worker: what an evaluation in one process must agree with."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import msgspec

from console.play_log import PlayLog
from console.replay import Replay
from console.site import Workers, install, running_services, stop_on_signals
from console.sweep import sweep
from infra import topics
from infra.settings import Settings


def live_quality(settings: Settings, log: PlayLog, report_from: int, stop_after: int, round_plays: int) -> dict[str, Any]:
    """Replay a log at full speed into a namespace of its own; what became of the plays, and the quality from that row's day on.

    Parameters
    ----------
    report_from : quality is reported from the first day that begins at or after this row
    stop_after : rows sent; 0 = all
    round_plays : plays handled together, at most: lists are as stale as in one process with rounds of so many

    Raises
    ------
    Trouble : services cannot be had (exit 4), or a worker ended (exit 1)
    """
    folder = Path(settings.data_dir) / "evaluate"
    install()
    with stop_on_signals(), running_services("test", folder) as addresses:
        live = msgspec.structs.replace(
            settings,
            kafka=addresses.kafka,
            redis=addresses.redis,
            data_dir=str(folder),
            namespace=f"evaluate-{secrets.token_hex(3)}",
            round_plays_max=round_plays,
        )
        topics.apply(live)
        try:
            with Workers(live, folder / "logs", {"plays": 1}) as workers:
                workers.wait_ready()
                run = Replay(live, log, folder / "replays")
                run.send(stop_after=stop_after)
                run.wait()
                return run.report(report_from)
        finally:
            if addresses.how == "environment":
                sweep(live)
