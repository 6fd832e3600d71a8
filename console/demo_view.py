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
LIST_EVERY_S = 10.0
N_IN_LINE = 3
"""Entries of the list in a line."""
FRAMES_PER_S = 4


class Rates(NamedTuple):
    """HR@20 over the same plays; None before the first test."""

    segue: float | None = None
    markov: float | None = None
    popularity: float | None = None


class Heard(NamedTuple):
    """One play of the listener who is followed."""

    title: str
    listed: bool | None
    """Was it in the list that was live before? None = there was no list."""
    by_demo: bool = False
    """It is the skip that the demo made them do."""


class Entry(NamedTuple):
    """One entry of their list: what proposed it, and the titles whose plays did."""

    title: str
    source: str
    because: Sequence[str]

    def reason(self) -> str:
        return f"{self.source} {', '.join(self.because)}".strip()


class Followed(NamedTuple):
    """The listener who is followed."""

    user_id: str
    music: Sequence[str]
    """What the models say of them, and of what is new, in words; the leaning first."""
    heard: Sequence[Heard]
    entries: Sequence[Entry]
    effects: Sequence[str]
    """What their skip and their block did, in words, once it is known."""


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
    now: Rates
    in_all: Rates
    history: Sequence[float]
    """Recent HR@20 once a second, oldest first."""
    followed: Followed


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
    """One line every two seconds, the followed list every ten, and their effects when they are known."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_s = self._listed_s = float("-inf")
        self._n_effects = 0

    def show(self, frame: Frame) -> None:
        now_s, followed = time.monotonic(), frame.followed
        for effect in followed.effects[self._n_effects :]:
            self._print(f"        {followed.user_id}, the demo's {effect}")
        self._n_effects = len(followed.effects)
        if now_s - self._said_s >= LINE_EVERY_S:
            self._said_s = now_s
            self._print(line(frame))
        if followed.entries and now_s - self._listed_s >= LIST_EVERY_S:
            self._listed_s = now_s
            for told in (list_line(followed), *followed.music[1:]):
                self._print(f"        {told}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False)

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
    now, in_all = frame.now, frame.in_all
    return (
        f"{frame.elapsed_s:5.1f} s  {frame.plays:,} plays ({frame.plays_per_s:.0f}/s)  {frame.lists:,} lists ({frame.lists_per_s:.0f}/s)  "
        f"latency p50 {_ms(frame.latency_p50_ms)} p99 {_ms(frame.latency_p99_ms)}  "
        f"HR@20 {_share(now.segue)} now (Markov {_share(now.markov)}), "
        f"{_share(in_all.segue)} in all (Markov {_share(in_all.markov)}, popularity {_share(in_all.popularity)})"
    )


def list_line(followed: Followed) -> str:
    """The head of the followed list in one line."""
    entries = "; ".join(f"{place} {each.title} ({each.reason()})" for place, each in enumerate(followed.entries[:N_IN_LINE], start=1))
    return f"{' '.join([followed.user_id, *followed.music[:1]])}; next: {entries}"


def draw(frame: Frame) -> RenderableType:
    """A frame as a screen of at most 100 columns and 24 rows."""
    return Group(
        Panel(_figures(frame), title="Segue: every play becomes a list", border_style="cyan"),
        Panel(_rates(frame), border_style="green"),
        Panel(_followed(frame.followed), title=frame.followed.user_id, border_style="magenta"),
    )


def _figures(frame: Frame) -> RenderableType:
    figures = Table.grid(padding=(0, 3))
    left = f" of {frame.seconds:.0f} s" if frame.seconds else " s, stop with Ctrl-C"
    latency = f"p50 {_ms(frame.latency_p50_ms)}, p99 {_ms(frame.latency_p99_ms)}"
    figures.add_row("elapsed", f"{frame.elapsed_s:.1f}{left}", "plays", f"{frame.plays:,}  ({frame.plays_per_s:.0f}/s)")
    figures.add_row("latency, play to list", latency, "lists", f"{frame.lists:,}  ({frame.lists_per_s:.0f}/s)")
    return figures


def _rates(frame: Frame) -> RenderableType:
    now, in_all = frame.now, frame.in_all
    rates = Table.grid(padding=(0, 3))
    rates.add_row(Text("HR@20", style="bold"), "now", "in all", Text("one bar a second, full = 1.0", style="dim"))
    rates.add_row("Segue", Text(_share(now.segue), style="green"), _share(in_all.segue), Text(bars(frame.history), style="green"))
    rates.add_row("Markov", _share(now.markov), _share(in_all.markov), Text("what followed what, counted here without delay", style="dim"))
    rates.add_row("popularity", _share(now.popularity), _share(in_all.popularity), "")
    return rates


def _followed(followed: Followed) -> RenderableType:
    user = Table.grid(padding=(0, 2), expand=True)
    for share in (4, 8, 6):
        user.add_column(no_wrap=True, overflow="ellipsis", ratio=share)
    user.add_row(*(Text(head, style="bold") for head in ("heard ✓listed ✗skip", "next, for this listener", "source, because of")))
    n_rows = max(len(followed.heard), len(followed.entries))
    for n in range(n_rows):
        heard = _heard(followed.heard[n]) if n < len(followed.heard) else Text("")
        entry = followed.entries[n] if n < len(followed.entries) else None
        user.add_row(heard, *(("", "") if entry is None else (f"{n + 1} {entry.title}", Text(entry.reason(), style="dim"))))
    said = [*((told, "dim") for told in followed.music), *((f"the demo's {effect}", "yellow") for effect in followed.effects)]
    return Group(user, *(Text(words, style, no_wrap=True, overflow="ellipsis") for words, style in said))


def _heard(heard: Heard) -> Text:
    if heard.by_demo:
        return Text(f"✗ {heard.title}", style="yellow")
    marks = {True: ("✓ ", "green"), False: ("· ", "dim"), None: ("  ", "dim")}
    return Text.assemble(marks[heard.listed], heard.title)


def bars(shares: Sequence[float], width: int = 50) -> str:
    """The last `width` shares as bars.

    >>> bars([0.0, 0.5, 1.0])
    '▁▅█'
    """
    return "".join(BARS[min(int(share * len(BARS)), len(BARS) - 1)] for share in shares[-width:])


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
