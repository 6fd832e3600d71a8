"""`.segue/run.json`: where the services of a running `segue up` (or demo) are, so that other commands find them.

Written whole and renamed, so a reader never sees half of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from console.trouble import Exit, Trouble

FILE = "run.json"


class RunState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What other commands need to know of a running Segue."""

    pid: int
    """The process that owns the services; gone = the file is a left-over."""
    command: str
    namespace: str
    kafka: str
    redis: str
    metrics_port: int = 0


def write(state: RunState, data_dir: Path) -> Path:
    """Publish `state`; replaces a left-over of a process that is gone."""
    data_dir.mkdir(parents=True, exist_ok=True)
    target = data_dir / FILE
    fresh = target.with_suffix(f".{state.pid}.new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    fresh.replace(target)
    return target


def read(data_dir: Path) -> RunState | None:
    """The state of a live run, else None.

    Raises
    ------
    Trouble : the file is there and is not ours to understand
    """
    path = data_dir / FILE
    try:
        state = msgspec.json.decode(path.read_bytes(), type=RunState)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Trouble(Exit.INVALID, f"{path} is not a run file of this version: {error}", f"rm {path}") from error
    return state if alive(state.pid) else None


def remove(data_dir: Path, pid: int) -> None:
    """Take our own file away; another's stays."""
    path = data_dir / FILE
    try:
        state = msgspec.json.decode(path.read_bytes(), type=RunState)
    except (FileNotFoundError, msgspec.MsgspecError):
        return
    if state.pid == pid:
        path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether a process with this id exists (of any user)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
