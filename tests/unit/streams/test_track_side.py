"""The tracks' side of a round: all partitions in one go, and when rows are written."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import numpy as np
import pytest

from infra.keys import Keys
from infra.settings import Settings
from online_models.items import ITEM
from streams import track_side
from streams.ids import track_partition
from streams.ports import Record
from streams.sections import DELTAS, pack_section
from streams.track_side import FLUSH_ALONE_MS, FLUSH_MS, TURNS
from tests.events_log import Appended
from tests.small_world import SMALL, SmallWorld, play


def deltas(world: SmallWorld) -> dict[int, list[Record]]:
    """All delta records sent so far, by partition."""
    chunks: dict[int, list[Record]] = defaultdict(list)
    for q in range(world.settings.deltas_partitions):
        topic = world.worker.deltas_topic
        for i, out in enumerate(world.outbox.log.get((topic, q), [])):
            chunks[q].append(Appended(None, out.value, partition=q, offset=i, topic=topic))
    return dict(chunks)


async def a_world_that_sent(settings: Settings) -> SmallWorld:
    """A world whose users' side has sent items that no tracks' partition has folded."""
    world = SmallWorld(settings)
    await world.claim_all()
    await world.worker.receive(world.worker.events_topic, {r.partition: [r] for r in world.append(play(0, "ana", "t0"))})
    await world.worker.settle()
    for i in range(1, 30):
        for record in world.append(play(i, "ana", f"t{i}")):
            await world.worker.receive(world.worker.events_topic, {record.partition: [record]})
            await world.worker.settle()
    return world


@pytest.fixture
async def sent() -> SmallWorld:
    return await a_world_that_sent(SMALL)


async def test_a_round_folds_all_partitions_and_says_how_much(sent: SmallWorld) -> None:
    side, owned = sent.worker._tracks, sent.worker.track_partitions
    chunks = deltas(sent)
    applied, skipped = await side.fold([(owned[q], records) for q, records in chunks.items()], 0, 1)
    assert (applied, skipped) == (sum(p.applied for p in owned.values()), 0)
    assert applied == sum(sum(p.sent) for p in sent.worker.user_partitions.values())
    again = await side.fold([(owned[q], records) for q, records in chunks.items()], 0, 2)
    assert again == (0, 0), "records below the cursor are not even read"


async def test_a_partition_that_goes_while_rows_are_read_takes_nothing_of_the_others_along(sent: SmallWorld) -> None:
    worker, chunks = sent.worker, deltas(sent)
    assert len(chunks) == SMALL.deltas_partitions
    gone, read = worker.track_partitions[0], worker._loader.rows

    async def lose(*args: object) -> None:
        await read(*args)  # type: ignore[arg-type]
        worker.track_partitions.pop(0, None)
        worker.track_rows.drop_partition(0)

    for q in chunks:
        worker.track_rows.drop_partition(q)
    worker._loader.rows = lose  # type: ignore[method-assign,assignment]
    work = [(worker.track_partitions[q], records) for q, records in chunks.items()]
    applied, _ = await worker._tracks.fold(work, 0, 1)
    assert gone.applied == gone.next == 0
    assert applied == sum(p.applied for p in worker.track_partitions.values()) > 0


async def test_rows_wait_longer_where_nobody_else_reads_them(sent: SmallWorld) -> None:
    worker = sent.worker
    side, owned = worker._tracks, worker.track_partitions
    await side.fold([(owned[q], records) for q, records in deltas(sent).items()], 10_000, 1)

    def folding(now_ms: int) -> list[int]:
        side._folded_ms = now_ms  # items keep coming
        return [p.n for p in side.due(now_ms)]

    assert folding(10_000) == []
    assert len(folding(10_000 + FLUSH_ALONE_MS)) == 1, "one partition's turn at a time"
    side._written_ms = dict.fromkeys(owned, 10_000)
    assert folding(10_000 + FLUSH_MS) == []
    lost = worker.user_partitions.pop(0)
    assert len(folding(10_000 + FLUSH_MS)) == 1, "who owns users' partition 0 reads our rows"
    worker.user_partitions[0] = lost
    assert len(side.due(10_000 + FLUSH_MS + FLUSH_MS)) == len(owned), "nothing came for a while: there is time"


async def test_turns_stay_apart_after_a_moment_that_wrote_all(sent: SmallWorld) -> None:
    side, owned = sent.worker._tracks, sent.worker.track_partitions
    await side.fold([(owned[q], records) for q, records in deltas(sent).items()], 10_000, 1)
    side._written_ms = dict.fromkeys(owned, 10_000)
    turns: list[tuple[int, int]] = []
    for now_ms in range(10_000, 10_000 + 3 * FLUSH_ALONE_MS, 25):
        side._folded_ms = now_ms  # items keep coming
        for p in side.due(now_ms):
            side._written_ms[p.n] = now_ms
            turns.append((now_ms, p.n))
    at_ms = np.array([at for at, _ in turns])
    assert np.diff(at_ms).min() >= FLUSH_ALONE_MS // TURNS
    for n in owned:
        assert set(np.diff(at_ms[[m == n for _, m in turns]]).tolist()) == {FLUSH_ALONE_MS}
    an_hour_ago = now_ms - 3_600_000
    side._folded_ms = an_hour_ago
    assert len(side.due(an_hour_ago)) == 1, "the clock was set back"


async def test_what_a_restart_must_fold_again_is_bounded(sent: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    side, owned = sent.worker._tracks, sent.worker.track_partitions
    await side.fold([(owned[q], records) for q, records in deltas(sent).items()], 10_000, 1)
    side._written_ms = dict.fromkeys(owned, 10_000)
    n_items = sum(p.unwritten for p in owned.values())
    assert n_items == sum(p.applied for p in owned.values())
    monkeypatch.setattr(track_side, "FLUSH_ITEMS", n_items)
    assert side.due(10_001) == []
    monkeypatch.setattr(track_side, "FLUSH_ITEMS", n_items - 1)
    early = side.due(10_001)
    assert len(early) == 1
    await side.flush(early, 10_001)
    assert (early[0].unwritten, early[0].stored) == (0, early[0].next)
    assert side.due(10_002) == [], "the others are below the bound again"


async def test_a_row_whose_name_is_not_known_waits_for_it_and_holds_nobody_up(sent: SmallWorld) -> None:
    """As where the count of a track was lost in a gap, or Redis went back behind a cursor in memory."""
    worker, unheard = sent.worker, 301
    side, p, rows = worker._tracks, worker.track_partitions[unheard % SMALL.deltas_partitions], worker.track_rows
    item = np.array([(unheard, 1, 5, 1, 1, 1, 0, 0)], ITEM)
    section = pack_section(p.incarnation, 0, DELTAS, p.watermarks.get(0, 0) + 1, 1, item.tobytes())
    record = Appended(None, section, partition=p.n, offset=p.next, topic=worker.deltas_topic)
    await side.fold([(p, [record])], 10_000, 1)
    (slot,) = rows.slots(np.array([unheard]))
    await side.flush([p], 10_000)
    assert rows.dirty[slot] and (p.stored, p.unwritten) == (p.next, 0)
    rows.name_of[slot] = "heard at last"
    p.next += 1  # another record
    await side.flush([p], 10_000)
    assert not rows.dirty.any()
    assert sent.store.redis.hash(worker._keys.track(p.n, "heard at last"))["row"]


async def _folded_at_once(world: SmallWorld) -> dict[str, bytes | None]:
    """All rows in the store once everything that was sent was folded in one go."""
    side, owned, chunks = world.worker._tracks, world.worker.track_partitions, deltas(world)
    await side.fold([(owned[q], records) for q, records in chunks.items()], 0, 1)
    await side.flush(side.changed(), 0)
    n, keys = world.settings.deltas_partitions, Keys(world.settings.namespace)
    names = [f"t{i}" for i in range(30)]
    where = [keys.track(track_partition(world.worker.names.hash(name), n), name) for name in names]
    return dict(zip(names, await world.store.read([(key, "row") for key in where]), strict=True))


async def test_more_tracks_than_fit_are_folded_in_parts(sent: SmallWorld) -> None:
    small = await a_world_that_sent(msgspec.structs.replace(SMALL, track_rows_max=20))
    rows = await _folded_at_once(small)
    assert len(small.worker.track_rows) <= 20
    assert all(rows.values())
    assert rows == await _folded_at_once(sent)


async def test_a_single_record_gets_the_room_of_rows_that_earlier_rounds_left_unwritten() -> None:
    small = await a_world_that_sent(msgspec.structs.replace(SMALL, track_rows_max=20))
    side, owned = small.worker._tracks, small.worker.track_partitions
    for round_n, (q, record) in enumerate([(q, record) for q, records in deltas(small).items() for record in records], 1_000):
        await side.fold([(owned[q], [record])], 0, round_n)
    await side.flush(side.changed(), 0)
    assert await _folded_at_once(small) == await _folded_at_once(await a_world_that_sent(SMALL))
