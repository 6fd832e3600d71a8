"""The past that commands read from a row is the one the worker wrote."""

from __future__ import annotations

import pytest

from online_models.items import FINISHED, SKIPPED
from streams.ids import id_hash
from streams.past import past_of
from tests.small_world import SMALL, SmallWorld, play


async def test_a_written_row_reads_back_play_by_play() -> None:
    world = SmallWorld()
    await world.claim_all()
    events = [play(n, track=f"t{n % 7}", ms_played=9_000 if n % 5 == 4 else 200_000) for n in range(120)]
    await world.play(*events)
    past = past_of(world.user("ana")["row"])
    assert past is not None and not past.whole
    kept = events[-100:]
    assert past.track.tolist() == [id_hash(str(event["track_id"]), SMALL.id_key.encode()) for event in kept]
    assert past.at_ms.tolist() == [int(str(event["played_at"])) // 1_000 * 1_000 for event in kept]
    assert [flags & 3 for flags in past.flags.tolist()] == [SKIPPED if event["ms_played"] == 9_000 else FINISHED for event in kept]
    assert (past.plays, past.finishes, past.distinct, past.sessions, past.first_ms) == (120, 96, 7, 1, events[0]["played_at"])


@pytest.mark.parametrize("row", [b"", b"\x03", b"\x02" + bytes(400), b"\x03" + bytes(7 + 64) + b"\x09" + bytes(63)])
def test_another_version_and_torn_bytes_are_no_past(row: bytes) -> None:
    assert past_of(row) is None
