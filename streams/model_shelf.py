"""Where a model's snapshots stand in the store: parts first, then one flip; restored or refused.

Parts are written under the *next* version's keys while the current version still counts. One fenced
apply then flips manifest, serving and cursor together and deletes the version before. So a crash at
any step leaves a whole snapshot, and a woken zombie writes nothing: parts are fenced like the flip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from infra.keys import Keys
from online_models.model import BadSnapshot, Registered, built_with, digest
from online_models.registry import Entry
from streams.model_fold import UNSEEN, Counts, Fold
from streams.ports import Claimed, Command, FencedCall, Field, Store

PART_BYTES_MAX: Final = 8 << 20
"""A Redis value of 10 MB costs its single thread 5 ms; a model that needs more is cut into more parts."""
CALL_BYTES_MAX: Final = 8 << 20
"""Parts are written in calls of at most this much, so that Redis stays answerable in between."""

_MANIFEST_FIELDS: Final = ("version", "sha256", "parts")


class Kept(NamedTuple):
    """What a claim found: a fold to go on with, and where the store stands.

    `next` is the stored cursor (the fence); `position` is where to read: the same, or 0 when the model
    starts over.
    """

    fold: Fold
    next: int
    position: int
    version: int
    parts: tuple[str, ...]
    """Names of the parts under `version`, in order of their keys."""
    trouble: str
    """Why the stored snapshot was refused; "" when it was not."""


class Saving(NamedTuple):
    """One snapshot on its way: its fenced calls in order (parts, then the flip), and what is kept once all landed."""

    calls: list[FencedCall]
    kept: Kept


class Shelf:
    """One model's keys in the store."""

    def __init__(self, keys: Keys, entry: Entry) -> None:
        self.entry = entry
        self._keys = keys
        self.cursor = keys.model_cursor(entry.name)
        self.pending = keys.model_pending(entry.name)
        self._manifest = keys.manifest(entry.name)

    # --- back from the store ---------------------------------------------------------------------

    async def load(self, store: Store, claimed: Claimed) -> Kept:
        """The model as its last snapshot left it; a fresh one that reads from 0 when that cannot be used."""
        cursor = claimed.fields
        at, incarnation = int(cursor["next"]), cursor["incarnation"].decode()
        (found,) = await store.read_many([(self._manifest, _MANIFEST_FIELDS)])
        manifest = dict(zip(_MANIFEST_FIELDS, found, strict=True))
        names = _names(manifest["parts"])
        version = max(int(cursor.get("version", b"0")), int(manifest["version"] or 0))
        if version == 0:
            return Kept(self._fresh(incarnation), at, at, 0, (), "")
        try:
            if int(manifest["version"] or 0) != int(cursor.get("version", b"0")):
                raise BadSnapshot(f"manifest version {manifest['version']!r} beside cursor version {cursor.get('version')!r}")
            model = await self._model(store, version, names, manifest["sha256"])
            return Kept(_fold(self.entry, model, incarnation, cursor), at, at, version, names, "")
        except BadSnapshot as error:
            return Kept(self._fresh(incarnation), at, 0, version, names, str(error))

    async def _model(self, store: Store, version: int, names: tuple[str, ...], sha256: bytes | None) -> Registered:
        raw = await store.text([self._keys.part(self.entry.name, version, n) for n in range(len(names))])
        parts = {name: part for name, part in zip(names, raw, strict=True) if part is not None}
        if len(parts) != len(names):
            raise BadSnapshot(f"version {version} lacks parts {sorted(set(names) - parts.keys())}")
        if digest(parts).encode() != sha256:
            raise BadSnapshot(f"version {version} has digest {digest(parts)}, the manifest says {sha256!r}")
        return self.entry.kind.restore(parts)

    def _fresh(self, incarnation: str) -> Fold:
        return Fold(self.entry, incarnation)

    # --- to the store ----------------------------------------------------------------------------

    def saving(self, kept: Kept, position: int, token: str, at_ms: int) -> Saving:
        """The calls of one snapshot of `kept.fold` at `position`. Stop at the first that is refused."""
        fold, version = kept.fold, kept.version + 1
        parts = fold.model.snapshot()
        calls = [self._call(kept, token, kept.next, {}, commands) for commands in self._batches(version, parts)]
        flip = [
            Command("HSET", self._manifest, _flat(self._manifest_of(fold, version, parts, position, at_ms))),
            Command("SET", self._keys.serving(self.entry.name), (fold.model.serving(version),)),
            *(Command("DEL", self._keys.part(self.entry.name, kept.version, n)) for n in range(len(kept.parts))),
        ]
        calls.append(self._call(kept, token, position, _cursor_of(fold, version), flip))
        return Saving(calls, kept._replace(next=position, version=version, parts=tuple(parts), trouble=""))

    def _batches(self, version: int, parts: Mapping[str, bytes]) -> Iterator[list[Command]]:
        batch: list[Command] = []
        size = 0
        for n, (name, part) in enumerate(parts.items()):
            assert len(part) <= PART_BYTES_MAX, f"part {name} of {self.entry.name} has {len(part)} bytes; the model must cut it"
            if batch and size + len(part) > CALL_BYTES_MAX:
                yield batch
                batch, size = [], 0
            batch.append(Command("SET", self._keys.part(self.entry.name, version, n), (part,)))
            size += len(part)
        yield batch

    def _call(self, kept: Kept, token: str, end: int, fields: dict[str, Field], commands: list[Command]) -> FencedCall:
        return FencedCall(self.cursor, self.pending, token, kept.fold.incarnation, kept.next, end, fields, b"", commands=commands)

    def _manifest_of(self, fold: Fold, version: int, parts: Mapping[str, bytes], position: int, at_ms: int) -> dict[str, Field]:
        return {
            "version": version,
            "sha256": digest(parts),
            "parts": msgspec.json.encode([[name, len(part)] for name, part in parts.items()]),
            "incarnation": fold.incarnation,
            "next": position,
            "saved_at_ms": at_ms,
            **built_with(),
            **fold.model.scores(),
        }


def _names(raw: bytes | None) -> tuple[str, ...]:
    return tuple(name for name, _ in msgspec.json.decode(raw, type=list[tuple[str, int]])) if raw else ()


def _flat(fields: Mapping[str, Field]) -> tuple[Field, ...]:
    return tuple(item for pair in fields.items() for item in pair)


def _cursor_of(fold: Fold, version: int) -> dict[str, Field]:
    watermarks = {str(source): number for source, number in sorted(fold.watermarks.items())}
    return {"version": version, "wm": msgspec.json.encode(watermarks), "origin": fold.origin, **msgspec.structs.asdict(fold.counts)}


def _fold(entry: Entry, model: Registered, incarnation: str, cursor: Mapping[str, bytes]) -> Fold:
    counts = Counts(**{name: int(cursor.get(name, b"0")) for name in Counts.__struct_fields__})
    watermarks = msgspec.json.decode(cursor.get("wm", b"{}"), type=dict[int, int], strict=False)
    return Fold(entry, incarnation, model=model, watermarks=watermarks, counts=counts, origin=int(cursor.get("origin", UNSEEN)))
