"""Where a model's snapshots stand in the store: parts first, then one flip; restored or refused.

Parts are written under the *next* version's keys while the current version still counts. One fenced
apply then flips manifest, serving and cursor together and deletes the versions that need not stay
(`model_versions.py`). So a crash at any step leaves a whole snapshot, and a woken zombie writes nothing: parts are fenced like the flip.

A part of more than 8 MB stands in several pieces, one key each, in order. The manifest is signed (`model_seal.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from infra.keys import Keys
from online_models.model import BadSnapshot, Registered, built_with, digest
from online_models.registry import Entry
from streams.contract import Decision
from streams.model_decisions import encode, granted
from streams.model_fold import UNSEEN, Counts, Fold
from streams.model_seal import SIGNED, Refusal, check, key_id, signature
from streams.model_versions import Version, Wish, decode, objection
from streams.model_versions import kept as kept_versions
from streams.ports import Claimed, Command, FencedCall, Field, Store
from streams.sections import watermarks_of

PIECE_BYTES_MAX: Final = 8 << 20
"""A Redis value of 10 MB costs its single thread 5 ms."""
PIECES_MAX: Final = 64
"""Of one snapshot: half a GB. Models bound their tables far below; more is a fault, and would fill Redis."""
CALL_BYTES_MAX: Final = 8 << 20
"""Parts are written in calls of at most this much, so that Redis stays answerable in between."""

_MANIFEST_FIELDS: Final = (*SIGNED, "signature", "key_id", "pinned", "wish")
CALL_ANSWERS_MAX: Final = 2_000
"""Answers in one call: a rebuild says all of them again."""

Piece = tuple[str, bytes]
"""A part's name and what stands under one key of it."""
V = TypeVar("V")


class Kept(NamedTuple):
    """What a claim found: a fold to go on with, and where the store stands.

    `next` is the stored cursor (the fence); `position` is where to read: the same, or 0 when the model
    starts over.
    """

    fold: Fold
    next: int
    position: int
    version: int
    versions: tuple[Version, ...] = ()
    """Those that stay, oldest first; the last one is `version`, unless it was refused."""
    gone: tuple[Version, ...] = ()
    """Refused: deleted with the next snapshot."""
    pinned: int = 0
    """The version that is served until an operator lets it go; 0 = the newest."""
    wish: str = ""
    """Id of the wish that was answered last."""
    refused: Refusal | None = None
    """Why the stored snapshot was refused."""

    @property
    def newest(self) -> int:
        """The newest version that stays; 0 = there is none yet."""
        return self.versions[-1].version if self.versions else 0

    @property
    def served(self) -> int:
        """The version that is served; 0 = none yet."""
        return self.pinned or self.newest


class Saving(NamedTuple):
    """One snapshot on its way: its fenced calls in order (parts, then the flip), and what is kept once all landed."""

    calls: list[FencedCall]
    kept: Kept


class Answer(NamedTuple):
    """To a wish: the call that says so, and, once it landed, what is kept and decided; `why` it is not granted, or ""."""

    call: FencedCall
    kept: Kept
    why: str
    decided: list[Decision]


class Shelf:
    """One model's keys in the store; `key` signs its snapshots."""

    def __init__(self, keys: Keys, entry: Entry, key: bytes) -> None:
        self.entry = entry
        self._keys, self._key = keys, key
        self.cursor = keys.model_cursor(entry.name)
        self.pending = keys.model_pending(entry.name)
        self._manifest = keys.manifest(entry.name)

    # --- back from the store ---------------------------------------------------------------------

    async def load(self, store: Store, claimed: Claimed) -> Kept:
        """The model as its last snapshot left it; a fresh one that reads from 0 when that cannot be used."""
        cursor = claimed.fields
        at, incarnation = int(cursor["next"]), cursor["incarnation"].decode()
        (found,) = await store.read_many([(self._manifest, _MANIFEST_FIELDS)])
        manifest = {name: value for name, value in zip(_MANIFEST_FIELDS, found, strict=True) if value is not None}
        version = max(int(cursor.get("version", b"0")), int(manifest.get("version", b"0")))
        if version == 0:
            return Kept(self._fresh(incarnation), at, at, 0)
        names = _names(manifest.get("parts"))
        (raw,) = await store.text([self._keys.versions(self.entry.name)])
        versions = decode(raw) or (Version(version, 0, 0, "", len(names), {}),)
        pinned, wish = int(manifest.get("pinned", b"0")), manifest.get("wish", b"").decode()
        try:
            if manifest.get("version") != cursor.get("version"):
                raise Refusal("torn", f"manifest version {manifest.get('version')!r} beside cursor version {cursor.get('version')!r}")
            check(self._key, self.entry.name, manifest, _learned(cursor), self._build())
            model = await self._model(store, version, names, manifest["sha256"])
            return Kept(_fold(self.entry, model, incarnation, cursor), at, at, version, versions, (), pinned, wish)
        except BadSnapshot as error:
            refused = error if isinstance(error, Refusal) else Refusal("parts", str(error))
            stay = tuple(v for v in versions if v.version < version or v.version == pinned)
            gone = tuple(v for v in versions if v not in stay)
            return Kept(self._fresh(incarnation), at, 0, version, stay, gone, pinned, wish, refused)

    async def _model(self, store: Store, version: int, names: tuple[str, ...], sha256: bytes) -> Registered:
        raw = await store.text([self._keys.part(self.entry.name, version, n) for n in range(len(names))])
        parts: dict[str, bytes] = {}
        for name, piece in zip(names, raw, strict=True):
            if piece is None:
                raise Refusal("missing", f"version {version} lacks a piece of {name!r}")
            parts[name] = parts.get(name, b"") + piece
        if digest(parts).encode() != sha256:
            raise Refusal("damaged", f"version {version} has digest {digest(parts)}, the manifest says {sha256!r}")
        return self.entry.kind.restore(parts)

    def _build(self) -> dict[str, Field]:
        """What a snapshot's numbers depend on."""
        return {"schema": self.entry.kind.schema, **built_with()}

    def _fresh(self, incarnation: str) -> Fold:
        return Fold(self.entry, incarnation)

    # --- to the store ----------------------------------------------------------------------------

    def saving(self, kept: Kept, position: int, token: str, at_ms: int, pending: bytes = b"") -> Saving:
        """The calls of one snapshot of `kept.fold` at `position`. Stop at the first that is refused.

        `pending` is what must be published once the last one landed; nothing may still have to be from before.
        """
        fold, version = kept.fold, kept.version + 1
        parts = fold.model.snapshot()
        pieces = list(_pieces(parts))
        assert len(pieces) <= PIECES_MAX, (
            f"{self.entry.name} has {len(pieces)} pieces of {PIECE_BYTES_MAX} bytes; the model must bound itself"
        )
        # Answers before the flip bear repeating: a crash in between reads the same lessons again, and the model says the same.
        early = (*self._answers(fold.answers), *self._batches(version, pieces))
        calls = [self._call(kept, token, kept.next, {}, commands) for commands in early]
        cursor, serving = _cursor_of(fold, version), fold.model.serving(version)
        scores = {"champion": fold.model.champion, **fold.model.scores()}
        new = Version(version, at_ms, fold.model.n_lessons, digest(parts), len(pieces), scores)
        versions = kept_versions((*kept.versions, new), self.entry.versions_max, kept.pinned)
        manifest = self._manifest_of(fold, cursor, new, pieces, position)
        flip = [
            Command("HSET", self._manifest, _flat({**manifest, "served": kept.pinned or version, "pinned": kept.pinned})),
            Command("SET", self._keys.serving_of(self.entry.name, version), (serving,)),
            *([] if kept.pinned else [Command("SET", self._keys.serving(self.entry.name), (serving,))]),
            Command("SET", self._keys.versions(self.entry.name), (msgspec.json.encode(versions),)),
            *self._deleting([version for version in (*kept.versions, *kept.gone) if version not in versions]),
        ]
        calls.append(self._call(kept, token, position, cursor, flip, pending))
        return Saving(calls, kept._replace(next=position, version=version, versions=versions, gone=(), refused=None))

    def _deleting(self, versions: Sequence[Version]) -> Iterator[Command]:
        for old in versions:
            yield from (Command("DEL", self._keys.part(self.entry.name, old.version, n)) for n in range(old.pieces))
            yield Command("DEL", self._keys.serving_of(self.entry.name, old.version))

    async def answering(self, store: Store, kept: Kept, token: str, wish: Wish) -> Answer:
        """The call that grants a wish, or says in the manifest why not."""
        name, why, serving = self.entry.name, objection(wish, kept.versions, kept.pinned), None
        pinned = 0 if wish.verb == "unpin" else wish.version
        after = pinned or kept.newest
        if not why and after:
            (serving,) = await store.text([self._keys.serving_of(name, after)])
            why = "" if serving is not None else f"what version {after} served is gone"
        if why:
            commands = [Command("HSET", self._manifest, _flat({"wish": wish.id, "wish_answer": why}))]
            return Answer(self._call(kept, token, kept.next, {}, commands), kept._replace(wish=wish.id), why, [])
        fields: dict[str, Field] = {"wish": wish.id, "wish_answer": "", "pinned": pinned, "served": after}
        commands = [Command("HSET", self._manifest, _flat(fields))]
        if serving is not None:
            commands.append(Command("SET", self._keys.serving(name), (serving,)))
        decided = [granted(kept.fold.incarnation, name, wish, kept.served, after)]
        call = self._call(kept, token, kept.next, {}, commands, encode(decided))
        return Answer(call, kept._replace(wish=wish.id, pinned=pinned), "", decided)

    def _answers(self, answers: Mapping[str, bytes | None]) -> Iterator[list[Command]]:
        commands = [
            Command("DEL", key) if answer is None else Command("SET", key, (answer,))
            for key, answer in ((self._keys.answer(self.entry.name, about), answer) for about, answer in answers.items())
        ]
        for start in range(0, len(commands), CALL_ANSWERS_MAX):
            yield commands[start : start + CALL_ANSWERS_MAX]

    def _batches(self, version: int, pieces: Sequence[Piece]) -> Iterator[list[Command]]:
        batch: list[Command] = []
        size = 0
        for n, (_, piece) in enumerate(pieces):
            if batch and size + len(piece) > CALL_BYTES_MAX:
                yield batch
                batch, size = [], 0
            batch.append(Command("SET", self._keys.part(self.entry.name, version, n), (piece,)))
            size += len(piece)
        yield batch

    def _call(
        self, kept: Kept, token: str, end: int, fields: dict[str, Field], commands: list[Command], pending: bytes = b""
    ) -> FencedCall:
        return FencedCall(self.cursor, self.pending, token, kept.fold.incarnation, kept.next, end, fields, pending, commands=commands)

    def _manifest_of(
        self, fold: Fold, cursor: Mapping[str, Field], new: Version, pieces: Sequence[Piece], position: int
    ) -> dict[str, Field]:
        signed: dict[str, Field] = {
            "version": new.version,
            "sha256": new.sha256,
            "parts": msgspec.json.encode([[name, len(piece)] for name, piece in pieces]),
            "incarnation": fold.incarnation,
            "next": position,
            **self._build(),
        }
        marks: dict[str, Field] = {
            "signature": signature(self._key, self.entry.name, signed, _learned(cursor)),
            "key_id": key_id(self._key),
            "saved_at_ms": new.saved_at_ms,
        }
        return {**signed, **marks, **new.scores}


def _pieces(parts: Mapping[str, bytes]) -> Iterator[Piece]:
    """Each part whole, or cut where it is too large for one value."""
    for name, part in parts.items():
        for start in range(0, max(len(part), 1), PIECE_BYTES_MAX):
            yield name, part[start : start + PIECE_BYTES_MAX]


def _names(raw: bytes | None) -> tuple[str, ...]:
    return tuple(name for name, _ in msgspec.json.decode(raw, type=list[tuple[str, int]])) if raw else ()


def _flat(fields: Mapping[str, Field]) -> tuple[Field, ...]:
    return tuple(item for pair in fields.items() for item in pair)


def _cursor_of(fold: Fold, version: int) -> dict[str, Field]:
    watermarks = {str(source): number for source, number in sorted(fold.watermarks.items())}
    return {"version": version, "wm": msgspec.json.encode(watermarks), "origin": fold.origin, **msgspec.structs.asdict(fold.counts)}


def _learned(cursor: Mapping[str, V]) -> dict[str, V]:
    """Of a cursor, what it says of the fold; the fence's own fields change with every claim."""
    return {name: cursor[name] for name in ("wm", "origin", *Counts.__struct_fields__) if name in cursor}


def _fold(entry: Entry, model: Registered, incarnation: str, cursor: Mapping[str, bytes]) -> Fold:
    counts = Counts(**{name: int(cursor.get(name, b"0")) for name in Counts.__struct_fields__})
    return Fold(entry, incarnation, model=model, watermarks=watermarks_of(cursor), counts=counts, origin=int(cursor.get("origin", UNSEEN)))
