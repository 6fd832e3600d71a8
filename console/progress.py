"""Progress on stderr: a bar where there is a terminal, a plain line every two seconds where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from console.output import notes

LINE_EVERY_S = 2.0


class Steps:
    """Shows `done` of `total`; a total of None is not known yet.

    >>> with Steps("rows", 2) as steps:
    ...     steps.show(2)
    """

    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total = what, total
        self._console = notes()
        self._said_s = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=self._console
            )
            self._task = self._bar.add_task(what, total=total)

    def show(self, done: int) -> None:
        """Cheap enough to be called for every record."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        elif time.monotonic() - self._said_s >= LINE_EVERY_S:
            self._said_s = time.monotonic()
            of_all = "" if self.total is None else f" of {self.total:,}"
            self._console.print(f"{self.what}: {done:,}{of_all}", markup=False)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
