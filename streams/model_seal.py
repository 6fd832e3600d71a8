"""A snapshot's signature: HMAC-SHA256 over what says which state it is, so that a worker goes on from its own snapshots alone.

The parts are covered by their digest, which is signed. The cursor's watermarks are signed with it: a model beside the watermarks of
another would learn lessons twice, or never.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Literal

from infra.fenced import Field, encode
from online_models.model import BadSnapshot

Reason = Literal["torn", "unsigned", "signature", "river", "numpy", "schema", "missing", "damaged", "parts"]
"""Why a snapshot is refused. Of the parts: one is not there, one is another, they do not fit together."""

SIGNED: Final = ("version", "sha256", "parts", "schema", "river", "numpy", "incarnation", "next")
"""Fields of the manifest. Scores and times are for people."""
ID_CHARS: Final = 8


class Refusal(BadSnapshot):
    """A snapshot that may not be gone on from."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason: Reason = reason
        super().__init__(f"{reason}: {message}")


def signature(key: bytes, model: str, manifest: Mapping[str, Field], cursor: Mapping[str, Field]) -> str:
    """In hex, over the model's name, the signed fields of its manifest and all that its cursor says of the fold.

    >>> one, other = {"version": 1}, {"version": 2}
    >>> signature(b"k", "finish", one, {}) == signature(b"k", "finish", {"version": b"1"}, {}) != signature(b"k", "finish", other, {})
    True
    """
    total = hmac.new(key, digestmod=sha256)
    fields = [("model", model), *((name, manifest.get(name, "")) for name in SIGNED), *sorted(cursor.items())]
    for name, value in fields:
        raw = encode(value)
        total.update(f"{name}:{len(raw)}\n".encode() + raw)
    return total.hexdigest()


def key_id(key: bytes) -> str:
    """Tells keys apart without telling the key."""
    return sha256(b"segue model key\n" + key).hexdigest()[:ID_CHARS]


def check(key: bytes, model: str, manifest: Mapping[str, bytes], cursor: Mapping[str, bytes], mine: Mapping[str, Field]) -> None:
    """Raises `Refusal` unless the manifest was signed with `key`, and by a build like `mine` (schema, river, numpy)."""
    found = manifest.get("signature", b"").decode("ascii", "replace")
    if not found:
        raise Refusal("unsigned", "the manifest has no signature: an earlier release wrote it, or somebody else")
    if not hmac.compare_digest(found, signature(key, model, manifest, cursor)):
        theirs = manifest.get("key_id", b"").decode("ascii", "replace")
        why = "it was changed" if theirs == key_id(key) else f"the key {theirs!r} signed it, {key_id(key)!r} is in force"
        raise Refusal("signature", f"version {manifest.get('version')!r} is not what was signed: {why}")
    for name in ("schema", "river", "numpy"):
        if manifest.get(name) != encode(mine[name]):
            raise Refusal(name, f"the snapshot has {name} {manifest.get(name)!r}, this build {mine[name]!r}")
