"""A snapshot is gone on from when it can be trusted, and refused with a reason when it cannot."""

from __future__ import annotations

import msgspec
import pytest

from infra.memory_store import MemoryRedis
from online_models.model import built_with, digest
from tests.lessons_log import messy_log
from tests.models_world import (
    CURSOR,
    FINISH,
    MANIFEST,
    assert_same,
    assert_tidy,
    founded,
    kept_fold,
    read,
    rebuilds,
    stored_parts,
    straight,
    worker,
)

HARMS = {
    "part lost": "missing",
    "part changed": "damaged",
    "manifest lost": "torn",
    "version torn": "torn",
    "digest changed with its part": "signature",
    "watermarks changed": "signature",
    "not signed": "unsigned",
    "another key": "signature",
    "other River": "river",
    "other numpy": "numpy",
    "other layout": "schema",
    "River of another build": "parts",
}


def harmed(redis: MemoryRedis, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of `HARMS` done to the stored snapshot, or to the build that finds it."""
    part, manifest, cursor = stored_parts(redis)[1], redis.hash(MANIFEST), redis.hash(CURSOR)
    changed = (redis.string(part) or b"")[:-1] + b"!"
    if harm == "digest changed with its part":
        names = [name for name, _ in msgspec.json.decode(manifest["parts"])]
        parts = dict(zip(names, (redis.string(key) or b"" for key in stored_parts(redis)), strict=True))
        redis.write({MANIFEST: {**manifest, "sha256": digest({**parts, names[1]: changed}).encode()}})
    writes: dict[str, dict[str, bytes | dict[str, bytes] | None]] = {
        "part lost": {part: None},
        "part changed": {part: changed},
        "digest changed with its part": {part: changed},
        "manifest lost": {MANIFEST: None},
        "version torn": {MANIFEST: {**manifest, "version": b"999"}},
        "watermarks changed": {CURSOR: {**cursor, "wm": b'{"0":1,"1":1,"2":1}'}},
        "not signed": {MANIFEST: {name: value for name, value in manifest.items() if name != "signature"}},
    }
    redis.write(writes.get(harm, {}))
    build = {"other River": {"river": "0.27.0"}, "other numpy": {"numpy": "1.0"}}
    if harm in build:
        monkeypatch.setattr("streams.model_shelf.built_with", lambda: {**built_with(), **build[harm]})
    elif harm == "other layout":
        monkeypatch.setattr("online_models.finish.FinishModel.schema", 99)
    elif harm == "River of another build":
        monkeypatch.setattr("online_models.tree_codec.river.__version__", "0.27.0")


@pytest.mark.parametrize("harm", HARMS)
async def test_a_snapshot_that_cannot_be_trusted_is_rebuilt_from_the_lessons(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log, redis = messy_log(150, seed=8), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log[:60], 0, chunk=10)
    await models.revoked({FINISH})
    harmed(redis, harm, monkeypatch)
    heir = worker(redis, model_key="another" if harm == "another key" else "")
    assert await heir.claim({FINISH}) == {FINISH: 0}
    assert rebuilds(heir) == [HARMS[harm]]
    monkeypatch.undo()
    next_before = int(redis.hash(CURSOR)["next"])
    await read(heir, [record for record in log if record.offset < next_before - 5], 0, chunk=10)
    await heir.settle()
    assert int(redis.hash(CURSOR)["next"]) == next_before, "a rebuild is saved once it has caught up"
    await read(heir, log, heir.held[FINISH].position, chunk=10)
    await heir.revoked({FINISH})
    if harm != "another key":
        assert_same(await kept_fold(redis), straight(log))
        assert_tidy(redis)


async def test_a_part_that_is_too_large_for_one_value_stands_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.model_shelf.PIECE_BYTES_MAX", 500)
    monkeypatch.setattr("streams.model_shelf.CALL_BYTES_MAX", 1_200)
    log, redis = messy_log(100, seed=6), founded()
    models = worker(redis)
    await models.claim({FINISH})
    await read(models, log, 0, chunk=10)
    await models.revoked({FINISH})
    pieces = [redis.string(key) or b"" for key in stored_parts(redis)]
    assert len(pieces) > 6 and max(map(len, pieces)) == 500
    named = msgspec.json.decode(redis.hash(MANIFEST)["parts"])
    assert [n_bytes for _, n_bytes in named] == list(map(len, pieces))
    assert_same(await kept_fold(redis), straight(log))
