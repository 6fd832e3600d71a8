"""The wall clock: it only judges lateness and stamps what is published. Event time decides everything else."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Epoch ms."""
        return time.time_ns() // 1_000_000
