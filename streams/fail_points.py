"""Places on the path of a play, and of an answer, where a fault test may end the process, exactly as a crash would.

`SEGUE_FAIL_POINTS=name,name` names the places; each is armed by the file `<data_dir>/fail/<name>`: the first
process that comes by removes the file and kills itself with SIGKILL. Without the setting a point costs one look at an empty set.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

POINTS = ("before-apply", "applied-not-published", "published-not-acked")
"""Of a plays worker."""

OF_ANSWERS = ("answered-not-noted",)
"""Of an answers worker."""


class FailPoints:
    """The armed places of this process.

    >>> FailPoints("").hit("before-apply")
    """

    def __init__(self, names: str, data_dir: str = ".segue") -> None:
        self._names = frozenset(name for name in names.split(",") if name)
        unknown = self._names - {*POINTS, *OF_ANSWERS}
        if unknown:
            raise ValueError(f"SEGUE_FAIL_POINTS: {sorted(unknown)} are unknown; there are {', '.join(POINTS + OF_ANSWERS)}")
        self._folder = Path(data_dir) / "fail"

    def hit(self, name: str) -> None:
        """Die here if `name` is armed."""
        if name not in self._names:
            return
        with contextlib.suppress(FileNotFoundError):
            (self._folder / name).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
