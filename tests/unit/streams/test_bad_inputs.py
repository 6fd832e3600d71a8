"""Every named kind of bad record is refused, with its reason, and nothing else is."""

from __future__ import annotations

import pytest

from online_models.events import PLAY
from streams.contract import Reason
from streams.intake import REJECTED, Intake
from tests.events_log import PARTITIONS, appended, play_json
from tests.unit.streams.bad_inputs import BAD, Bad


@pytest.mark.parametrize("bad", BAD, ids=[f"{bad.reason}: {bad.name}" for bad in BAD])
def test_a_bad_record_is_refused_for_its_reason(bad: Bad) -> None:
    batch = Intake(PARTITIONS).read([bad.record], bad.record.partition)
    (rejection,) = batch.rejections
    assert rejection.reason == bad.reason, rejection.message
    assert bad.says in rejection.message
    assert batch.kind.tolist() == [REJECTED] and batch.events == [None]


def test_every_reason_that_the_intake_gives_has_an_example() -> None:
    assert {bad.reason for bad in BAD} == set(Reason) - {Reason.HANDLER}, "handler is the verdict on a record that killed workers"


def test_bad_records_do_not_touch_their_neighbours() -> None:
    good = appended(play_json())
    partition = good.partition
    bad_here = [bad.record for bad in BAD if bad.name != "another partitioner"]
    records = [record for bad in bad_here for record in (good, bad)]
    batch = Intake(PARTITIONS).read(records, partition)
    assert batch.kind[::2].tolist() == [PLAY] * len(bad_here)
    assert batch.user_ids[::2] == ["ana"] * len(bad_here)
    assert [rejection.index for rejection in batch.rejections] == list(range(1, 2 * len(bad_here), 2))


def test_messages_are_short_and_hold_nothing_that_a_terminal_obeys() -> None:
    for bad in BAD:
        (rejection,) = Intake(PARTITIONS).read([bad.record], bad.record.partition).rejections
        assert len(rejection.message) < 400 and rejection.message.isprintable(), bad.name
