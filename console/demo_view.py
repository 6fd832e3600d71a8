"""What the demo shows while it runs: a live screen on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from console.output import notes

BARS = "▁▂▃▄▅▆▇█"
LINE_EVERY_S = 2.0
FRAMES_PER_S = 4


class Heard(NamedTuple):
    """One play of the user that is watched."""

    title: str
    listed: bool | None
    """Was it in the list that was live before? None = there was no list."""


class Frame(NamedTuple):
    """All that a view needs; rates per second, latencies in ms, shares in [0, 1] or None before the first test."""

    elapsed_s: float
    seconds: float
    plays: int
    plays_per_s: float
    lists: int
    lists_per_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    hr20: float | None
    recent_hr20: float | None
    popularity_hr20: float | None
    history: Sequence[float]
    """Recent HR@20 once a second, oldest first."""
    user_id: str
    heard: Sequence[Heard]
    list_titles: Sequence[str]


class View(Protocol):
    """Shows frames as they come."""

    def show(self, frame: Frame) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def view_for(console: Console | None = None) -> View:
    """The screen where stderr is a terminal, else lines."""
    console = console or notes()
    return Screen(console) if console.is_terminal else Lines(console)


class Lines:
    """One line every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_s = float("-inf")

    def show(self, frame: Frame) -> None:
        if time.monotonic() - self._said_s >= LINE_EVERY_S:
            self._said_s = time.monotonic()
            self._console.print(line(frame), markup=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None


class Screen:
    """Redrawn four times a second."""

    def __init__(self, console: Console) -> None:
        self._live = Live(Text("…"), console=console, refresh_per_second=FRAMES_PER_S, transient=False)

    def show(self, frame: Frame) -> None:
        self._live.update(draw(frame))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()


def line(frame: Frame) -> str:
    """A frame in one line."""
    return (
        f"{frame.elapsed_s:5.1f} s  {frame.plays:,} plays ({frame.plays_per_s:.0f}/s)  {frame.lists:,} lists ({frame.lists_per_s:.0f}/s)  "
        f"latency p50 {_ms(frame.latency_p50_ms)} p99 {_ms(frame.latency_p99_ms)}  "
        f"HR@20 {_share(frame.recent_hr20)} now, {_share(frame.hr20)} in all, popularity {_share(frame.popularity_hr20)}"
    )


def draw(frame: Frame) -> RenderableType:
    """A frame as a screen."""
    figures = Table.grid(padding=(0, 3))
    for _ in range(4):
        figures.add_column()
    left = f" of {frame.seconds:.0f} s" if frame.seconds else " s, stop with Ctrl-C"
    figures.add_row("elapsed", f"{frame.elapsed_s:.1f}{left}", "latency, play to list", f"p50 {_ms(frame.latency_p50_ms)}")
    figures.add_row("plays", f"{frame.plays:,}  ({frame.plays_per_s:.0f}/s)", "", f"p99 {_ms(frame.latency_p99_ms)}")
    figures.add_row("lists", f"{frame.lists:,}  ({frame.lists_per_s:.0f}/s)", "HR@20 in all", _share(frame.hr20))
    figures.add_row("", "", "popularity's", _share(frame.popularity_hr20))
    climb = Text.assemble(
        ("HR@20 now ", "bold"), (f"{_share(frame.recent_hr20)} ", "green"), (bars(frame.history), "green"), "  one bar a second, full = 1.0"
    )
    user = Table.grid(padding=(0, 4))
    user.add_row(Text("heard", style="bold"), Text("next, for this user", style="bold"))
    for heard, title in _zip_longest(frame.heard, frame.list_titles):
        user.add_row(heard, title)
    return Group(
        Panel(figures, title="Segue: every play becomes a list", border_style="cyan"),
        Panel(climb, border_style="green"),
        Panel(user, title=f"{frame.user_id}   (✓ = it was in the list)", border_style="magenta"),
    )


def bars(shares: Sequence[float], width: int = 60) -> str:
    """The last `width` shares as bars.

    >>> bars([0.0, 0.5, 1.0])
    '▁▅█'
    """
    return "".join(BARS[min(int(share * len(BARS)), len(BARS) - 1)] for share in shares[-width:])


def _zip_longest(heard: Sequence[Heard], titles: Sequence[str]) -> list[tuple[Text, str]]:
    marks = {True: ("✓ ", "green"), False: ("· ", "dim"), None: ("  ", "dim")}
    rows = max(len(heard), len(titles))
    left = [Text.assemble(marks[each.listed], each.title) for each in heard] + [Text("")] * (rows - len(heard))
    return list(zip(left, [*titles, *[""] * (rows - len(titles))], strict=True))


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
