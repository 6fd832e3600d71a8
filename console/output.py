"""Where words go: results on stdout (one JSON object with `--json`), progress on stderr."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, ParamSpec, TypeVar

import msgspec
import typer
from rich.console import Console

from console.trouble import Exit, Trouble

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; words go to stderr.")]

PIPED_COLUMNS: Final = 200
"""Of what no terminal shows."""


def screen() -> Console:
    """Stdout for people. Made on each call, because tests and pipes swap the stream."""
    # Into a pipe or a file rich would cut every table to 80 columns.
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    return Console(file=sys.stdout, highlight=False, soft_wrap=True, width=width)


def notes() -> Console:
    """Stderr: progress and errors."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line of progress; printed as it is, without markup."""
    notes().print(text, markup=False)


def say_json(value: Any) -> None:
    """The one object of `--json`; numbers that are not finite become null."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose `Trouble` becomes a message, the next command to run, and an exit code.

    With `as_json` among its arguments the error is also the one JSON object on stdout.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Trouble as trouble:
            if kwargs.get("as_json"):
                say_json({"error": {"code": int(trouble.code), "message": trouble.message, "next": trouble.next_command}})
            say(f"segue: {trouble.message}")
            say(f"  next: {trouble.next_command}")
            raise typer.Exit(trouble.code) from trouble
        except KeyboardInterrupt:
            say("segue: stopped")
            raise typer.Exit(130) from None

    return run


def finish(code: Exit) -> None:
    """Ends a command whose result was printed already."""
    if code != Exit.OK:
        raise typer.Exit(code)
