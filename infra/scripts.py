"""The Lua scripts of `infra/lua/`, each with the digest that EVALSHA asks for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple


class Script(NamedTuple):
    """One script's text and its SHA1 in hex, as bytes for the wire."""

    text: bytes
    sha: bytes


def _load(name: str) -> Script:
    text = (Path(__file__).parent / "lua" / f"{name}.lua").read_bytes()
    # Redis names a script by its SHA1; nothing here depends on its strength.
    return Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())


APPLY = _load("apply")
CLAIM = _load("claim")
FOUND = _load("found")
START = _load("start")
MARK = _load("mark")
READ = _load("read")
SCAN = _load("scan")
BY_SHA = {script.sha: script for script in (APPLY, CLAIM, FOUND, START, MARK, READ, SCAN)}
