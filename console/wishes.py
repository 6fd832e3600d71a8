"""What an operator wants of a model, put where its worker looks: the one key that a command writes and a worker reads.

A worker alone writes a model's state; so a wish is answered by the worker that owns the model, at its next look.
"""

from __future__ import annotations

import time
from secrets import token_hex
from typing import Final

import msgspec

from console.redis_client import asking, connect
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.model_versions import Verb, Wish, decode, decode_wish, objection
from streams.ports import Clock

ANSWER_S: Final = 10.0
"""A worker looks every 2 s; what it learns meanwhile takes a fraction of one."""
LOOK_S: Final = 0.1


def ask(settings: Settings, clock: Clock, model: str, verb: Verb, version: int) -> int:
    """Put the wish, wait for the worker's answer; returns the version that is served then.

    Raises
    ------
    Trouble : it cannot be granted (exit 3), no worker answers (exit 1), another wish came after it (exit 1), Redis is away (exit 4)
    """
    state = State(settings)
    wish = Wish(token_hex(8), verb, version, clock.now_ms())
    (manifest,) = state.hashes([state.keys.manifest(model)])
    versions = decode(state.text(state.keys.versions(model)))
    why = objection(wish, versions, int(manifest.get("pinned", b"0")))
    if why:
        raise Trouble(Exit.INVALID, f"{model}: {why}", f"segue model history {model}")
    client = connect(settings)
    with asking(settings):
        client.set(state.keys.wish(model), msgspec.json.encode(wish))
        client.close()
    return _answered(state, model, wish)


def _answered(state: State, model: str, wish: Wish) -> int:
    deadline_s = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline_s:
        (manifest,) = state.hashes([state.keys.manifest(model)])
        if manifest.get("wish") == wish.id.encode():
            if why := manifest.get("wish_answer", b"").decode():
                raise Trouble(Exit.INVALID, f"{model}: {why}", f"segue model history {model}")
            return int(manifest["served"])
        later = decode_wish(state.text(state.keys.wish(model)))
        if later is None or later.id != wish.id:
            raise Trouble(Exit.FAILURE, f"{model}: another wish came after this one", f"segue model show {model}")
        time.sleep(LOOK_S)
    raise Trouble(
        Exit.FAILURE,
        f"{model}: no models worker answered within {ANSWER_S:.0f} s; the wish stands, the next one answers",
        "segue worker models",
    )
