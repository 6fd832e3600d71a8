"""The run file: found while its process lives, ignored afterwards, never half written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console import run_state
from console.run_state import RunState
from console.trouble import Exit, Trouble


def _state(pid: int) -> RunState:
    return RunState(pid, "segue up", "night", "127.0.0.1:29092", "redis://127.0.0.1:26379/0")


def _pid_of_a_process_that_is_gone() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_live_run_is_found(tmp_path: Path) -> None:
    run_state.write(_state(os.getpid()), tmp_path)
    assert run_state.read(tmp_path) == _state(os.getpid())


def test_no_file_is_no_run(tmp_path: Path) -> None:
    assert run_state.read(tmp_path / "nowhere") is None


def test_a_left_over_is_no_run_and_is_replaced(tmp_path: Path) -> None:
    run_state.write(_state(_pid_of_a_process_that_is_gone()), tmp_path)
    assert run_state.read(tmp_path) is None
    run_state.write(_state(os.getpid()), tmp_path)
    assert run_state.read(tmp_path) is not None


def test_only_its_owner_takes_it_away(tmp_path: Path) -> None:
    run_state.write(_state(os.getpid()), tmp_path)
    run_state.remove(tmp_path, os.getpid() + 1)
    assert run_state.read(tmp_path) is not None
    run_state.remove(tmp_path, os.getpid())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff\xfe"])
def test_a_damaged_file_is_named_with_the_way_to_remove_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(Trouble) as caught:
        run_state.read(tmp_path)
    assert caught.value.code == Exit.INVALID
    assert caught.value.next_command == f"rm {tmp_path / 'run.json'}"
