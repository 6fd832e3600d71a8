"""A model's newest snapshot as a client reads it: the parts that it asks for, by the documented keys."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from console.redis_door import State


def parts_of(state: State, model: str, wanted: Collection[str]) -> dict[str, bytes] | None:
    """The parts `wanted` of the newest version; None where there is none, or a worker took one away meanwhile."""
    manifest = state.fields(state.keys.manifest(model), ("version", "parts"))
    if "version" not in manifest or "parts" not in manifest:
        return None
    version, names = int(manifest["version"]), [name for name, _ in msgspec.json.decode(manifest["parts"], type=list[tuple[str, int]])]
    places = [n for n, name in enumerate(names) if name in wanted]
    found = dict[str, bytes]()
    for n, piece in zip(places, state.texts([state.keys.part(model, version, n) for n in places]), strict=True):
        if piece is None:
            return None
        found[names[n]] = found.get(names[n], b"") + piece
    return found if found.keys() == set(wanted) else None
