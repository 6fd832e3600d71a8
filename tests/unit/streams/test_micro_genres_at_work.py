"""Micro-genres in a worker: what became of clusters is published, and where tracks are stands, whatever step it dies at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec
import pytest

from infra.memory_store import MemoryRedis, Moment
from online_models.clusters.served import Placed, Served, cluster_of
from online_models.registry import entry
from streams.model_fold import Fold
from streams.ports import TP, Record
from tests.lessons_log import INCARNATION, TOPIC, messy_log
from tests.models_world import KEYS, Crash, Letters, assert_same, founded, worker

NAME = "micro_genres"
MICRO = TP(TOPIC, 2)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """Clusters are born on the way, and split."""
    monkeypatch.setattr("online_models.clusters.micro_genres.FIRST_N", 110)
    return messy_log(90, seed=3, model=NAME)


def fold_of(log: Sequence[Record]) -> Fold:
    fold = Fold(entry(NAME), INCARNATION)
    for record in log:
        for _ in fold.record(record.offset, record.value):
            pass
    return fold


def answers(redis: MemoryRedis) -> dict[str, bytes]:
    return {key: redis.string(key) or b"" for key in redis.snapshot().values if ":answer:" in key}


async def lived(redis: MemoryRedis, log: Sequence[Record], outbox: Letters, hook: Callable[[Moment], None] | None) -> bool:
    """A worker that reads the log to its end; False when it died on the way."""
    models = worker(redis, hook, outbox=outbox)
    try:
        start = (await models.claim({MICRO}))[MICRO]
        rest = [record for record in log if record.offset >= start]
        for at in range(0, len(rest), 6):
            await models.receive(TOPIC, {2: rest[at : at + 6]})
        await models.revoked({MICRO})
    except Crash:
        return False
    finally:
        # A dead process looks at nothing any more; its task would, two seconds later, and claim again.
        await models.close()
    return True


@pytest.mark.parametrize("when", ["before", "after", "publish"])
async def test_a_crash_at_any_step_leaves_the_same_clusters_places_and_decisions(when: str, log: list[Record]) -> None:
    expected = fold_of(log)
    assert {decision.decision for decision in expected.decided} == {"born", "split"}
    for step in itertools.count():
        redis, moments = founded(), itertools.count()

        def die(step: int = step, moments: itertools.count[int] = moments) -> None:
            if next(moments) == step:
                raise Crash

        def hook(moment: Moment, die: Callable[[], None] = die) -> None:
            if moment.when == when:
                die()

        outbox = Letters(die if when == "publish" else lambda: None)
        whole = await lived(redis, log, outbox, hook)
        if not whole:
            assert await lived(redis, log, outbox, None)
        assert {d.decision_id: d for d in outbox.decisions()} == {d.decision_id: d for d in expected.decided}
        assert list(dict.fromkeys(d.decision_id for d in outbox.decisions())) == [d.decision_id for d in expected.decided]
        heir = worker(redis)
        await heir.claim({MICRO})
        assert_same(heir.held[MICRO].fold, expected)
        assert answers(redis) == {KEYS.answer(NAME, about): said for about, said in expected.answers.items()}
        await heir.close()
        if whole:
            assert step > (1 if when == "publish" else 8), "the crashes must have covered the run"
            return


async def test_a_decision_says_which_cluster_what_it_is_called_and_how_large_it_is(log: list[Record]) -> None:
    redis, outbox = founded(), Letters()
    await lived(redis, log, outbox, None)
    served = msgspec.json.decode(redis.string(KEYS.serving(NAME)) or b"", type=Served)
    clusters = {cluster.id: cluster for cluster in served.clusters}
    for decision in outbox.decisions():
        assert decision.model == NAME and decision.at > 1_600_000_000_000 and decision.decision_id.startswith(f"{INCARNATION}-{NAME}-")
        assert isinstance(decision.detail["name"], str) and decision.detail["size"] and decision.detail["tracks"]
        assert decision.detail["cluster"] in clusters
        assert ("from" in decision.detail) == (decision.decision == "split")
    for said in answers(redis).values():
        assert cluster_of(msgspec.json.decode(said, type=Placed).cluster, served) in served.clusters


async def test_a_rebuild_says_where_tracks_are_and_publishes_no_old_decision_again(log: list[Record]) -> None:
    redis = founded()
    await lived(redis, log, Letters(), None)
    expected, outbox = answers(redis), Letters()
    redis.write({KEYS.part(NAME, int(redis.hash(KEYS.manifest(NAME))["version"]), 0): None, **dict.fromkeys(expected)})
    assert await lived(redis, log, outbox, None)
    assert [decision.decision for decision in outbox.decisions()] == ["rebuilt"]
    assert answers(redis) == expected
