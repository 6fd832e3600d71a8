"""What a command says when it cannot go on: an exit code, what was seen, and the next command to run."""

from __future__ import annotations

import shlex
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    INVALID = 3
    """Input was read and found wrong."""
    UNREACHABLE = 4
    """Kafka, Redis, or what would start them, cannot be reached."""
    REFUSED = 5
    """Refused for safety; the message names the flag that insists."""


class Trouble(Exception):
    """Ends a command.

    Parameters
    ----------
    code : exit code
    message : what was seen and what was expected
    next_command : what to type now, word for word
    """

    def __init__(self, code: Exit, message: str, next_command: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_command = next_command


def kafka_away(address: str, detail: str) -> Trouble:
    return Trouble(Exit.UNREACHABLE, f"Kafka at {address} cannot be reached: {detail}", "segue up")


def redis_away(address: str, detail: str) -> Trouble:
    return Trouble(Exit.UNREACHABLE, f"Redis at {address} cannot be reached: {detail}", "segue up")


def a_play(user_id: str, track_id: str) -> str:
    """The command that makes a user or a track known."""
    return f"segue send --user {shlex.quote(user_id)} --track {shlex.quote(track_id)}"
