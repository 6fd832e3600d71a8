"""What a real Redis does to the store: lost replies, restarts, no memory, no script, no primary. Nothing twice, nothing half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis

from infra.fenced import Applied, Command, Refused, Row, StoreBroken
from infra.redis_link import NodeLink
from infra.redis_process import LocalRedis
from infra.store import RedisStore
from tests.contracts.cluster_process import LocalCluster
from tests.contracts.faulty_proxy import FaultyProxy
from tests.contracts.store_contract import CURSOR, NS, PENDING, USER, begin, call_of, key

pytestmark = pytest.mark.timeout(120)

LOST_REPLIES = 200
ONE_PLAY = Command("HINCRBY", key("u3", "quality"), ("plays", 1))


class Reasons(list[str]):
    """Collects what `on_wait` is told."""


@pytest.fixture
async def reasons() -> Reasons:
    return Reasons()


@pytest.fixture
async def store(clean_redis: LocalRedis, reasons: Reasons) -> AsyncIterator[RedisStore]:
    store = RedisStore(clean_redis.url, namespace=NS, on_wait=reasons.append)
    yield store
    await store.close()


async def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.005)


async def while_it_waits(store: RedisStore, call: Awaitable[object], reason: str, mend: Callable[[], object]) -> object:
    """Start `call`, see it wait for `reason`, mend the store, return the call's answer."""
    task = asyncio.ensure_future(call)
    await until(lambda: store.waiting == reason or task.done())
    assert not task.done(), f"it was to wait for {reason}: {task!r}"
    await asyncio.to_thread(mend)
    answer = await task
    assert store.waiting == "", "ready again"
    return answer


class TestLostReplies:
    async def test_a_lost_reply_is_found_out_by_the_fence_and_counts_once(self, clean_redis: LocalRedis, reasons: Reasons) -> None:
        async with FaultyProxy(clean_redis.port) as proxy:
            store = RedisStore(proxy.url, namespace=NS, on_wait=reasons.append)
            await begin(store)
            for n in range(LOST_REPLIES):
                proxy.swallow_reply()
                assert await store.apply([call_of(n, n + 1, commands=[ONE_PLAY])]) == [Applied()]
            await store.close()
        assert proxy.swallowed == LOST_REPLIES == reasons.count("connection")
        with clean_redis.client() as client:
            assert client.hget(key("u3", "quality"), "plays") == b"%d" % LOST_REPLIES

    async def test_a_lost_reply_after_which_another_claims_is_refused_although_it_landed(self, clean_redis: LocalRedis) -> None:
        """The old owner cannot tell, and need not: the new one read what landed."""
        async with FaultyProxy(clean_redis.port) as proxy:
            old, new = RedisStore(proxy.url, namespace=NS), RedisStore(clean_redis.url, namespace=NS)
            await begin(old)
            await old.apply([call_of()])
            proxy.swallow_reply()
            call = asyncio.create_task(old.apply([call_of(5, 9, pending=b"newer")]))
            await until(lambda: proxy.swallowed == 1)
            claimed = await new.claim(CURSOR, PENDING, "theirs")
            assert await call == [Refused("theirs", 9, "inc")]
            assert (claimed.fields["next"], claimed.pending) == (b"9", b"newer")
            await old.close()
            await new.close()

    async def test_a_claim_whose_reply_is_lost_is_counted_once(self, clean_redis: LocalRedis) -> None:
        async with FaultyProxy(clean_redis.port) as proxy:
            store = RedisStore(proxy.url, namespace=NS)
            await begin(store)
            proxy.swallow_reply()
            assert (await store.claim(CURSOR, PENDING, "theirs")).fields["claims"] == b"1"
            await store.close()

    async def test_a_cursor_whose_creation_lost_its_reply_is_still_ours(self, clean_redis: LocalRedis) -> None:
        async with FaultyProxy(clean_redis.port) as proxy:
            store = RedisStore(proxy.url, namespace=NS)
            await store.meta()
            proxy.swallow_reply()
            await begin(store)
            assert proxy.swallowed == 1
            await store.close()

    async def test_a_cancelled_call_leaves_no_reply_behind_for_the_next(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        await begin(store)
        for n in range(50):
            task = asyncio.create_task(store.apply([call_of(n, n + 1)]))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await store.text([PENDING]) in ([b"to publish"], [None])
            # Whether it landed or not, asking it again says so.
            assert await store.apply([call_of(n, n + 1)]) == [Applied()]

    async def test_the_client_never_repeats_by_itself(self, clean_redis: LocalRedis) -> None:
        """redis-py's default would send the INCR again and answer 2."""
        async with FaultyProxy(clean_redis.port) as proxy:
            link = NodeLink(proxy.url, timeout_s=2.0, client_name=NS)
            assert await link.exchange([[b"SET", b"n", b"0"]]) == [b"OK"]
            proxy.swallow_reply()
            (lost,) = await link.exchange([[b"INCR", b"n"]])
            assert isinstance(lost, redis.ConnectionError)
            assert await link.exchange([[b"GET", b"n"]]) == [b"1"]
            await link.close()


class TestAStoreThatIsAway:
    async def test_a_restart_under_way_is_waited_for_and_nothing_is_lost(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        await begin(store)
        await store.apply([call_of(0, 1, commands=[ONE_PLAY])])
        clean_redis.kill()
        call = store.apply([call_of(1, 2, commands=[ONE_PLAY])])
        assert await while_it_waits(store, call, "connection", clean_redis.start) == [Applied()]
        assert await store.read([(key("u3", "quality"), "plays")]) == [b"2"]

    async def test_kills_at_any_moment_count_every_play_once(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        await begin(store)
        done = 0

        async def plays() -> None:
            nonlocal done
            while done < 3000:
                assert await store.apply([call_of(done, done + 1, commands=[ONE_PLAY])]) == [Applied()]
                done += 1

        task = asyncio.create_task(plays())
        for wait_s in (0.05, 0.11, 0.23):
            await asyncio.sleep(wait_s)
            await asyncio.to_thread(clean_redis.kill)
            await asyncio.to_thread(clean_redis.start)
        await task
        assert await store.read([(key("u3", "quality"), "plays")]) == [b"3000"]

    async def test_a_frozen_server_is_a_timeout_and_its_late_work_counts_once(self, clean_redis: LocalRedis, reasons: Reasons) -> None:
        store = RedisStore(clean_redis.url, namespace=NS, on_wait=reasons.append, timeout_s=0.1)
        await begin(store)
        clean_redis.freeze()
        call = store.apply([call_of(commands=[ONE_PLAY])])
        assert await while_it_waits(store, call, "timeout", clean_redis.thaw) == [Applied()]
        assert await store.read([(key("u3", "quality"), "plays")]) == [b"1"]
        await store.close()

    async def test_a_missing_script_is_sent_with_the_call(self, clean_redis: LocalRedis, store: RedisStore, reasons: Reasons) -> None:
        await begin(store)
        for n in range(5):
            with clean_redis.client() as client:
                client.script_flush()
            calls = [call_of(n, n + 1), call_of(partition="u8", rows=[])]
            assert await store.apply(calls) == [Applied(), Refused("", -1, "")]
        assert reasons == []

    async def test_a_replica_is_waited_for_until_it_is_primary_again(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        await begin(store)
        with clean_redis.client() as client:
            # A primary that is not there: the data stays, and Redis refuses writes.
            client.replicaof("127.0.0.1", 1)
            client.config_set("replica-serve-stale-data", "yes")

            def promote() -> None:
                client.replicaof("NO", "ONE")

            assert await while_it_waits(store, store.apply([call_of()]), "READONLY", promote) == [Applied()]
            client.replicaof("127.0.0.1", 1)
            client.config_set("replica-serve-stale-data", "no")
            assert await while_it_waits(store, store.apply([call_of(5, 6)]), "MASTERDOWN", promote) == [Applied()]
            client.config_set("replica-serve-stale-data", "yes")

    async def test_a_busy_script_is_waited_for(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        await begin(store)
        with clean_redis.client() as client:
            client.config_set("busy-reply-threshold", 50)
        loop_for_ever = asyncio.create_task(asyncio.to_thread(_run_for_ever, clean_redis))
        await asyncio.sleep(0.2)

        def kill() -> None:
            with clean_redis.client() as client:
                client.script_kill()

        assert await while_it_waits(store, store.apply([call_of()]), "BUSY", kill) == [Applied()]
        await loop_for_ever
        with clean_redis.client() as client:
            client.config_set("busy-reply-threshold", 5000)

    async def test_pauses_double_up_to_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 10:
                raise asyncio.CancelledError

        monkeypatch.setattr("infra.store.asyncio.sleep", sleep)
        store = RedisStore("redis://127.0.0.1:1/0", namespace=NS)
        with pytest.raises(asyncio.CancelledError):
            await store.meta()
        assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
        assert store.waiting == ""


def _run_for_ever(server: LocalRedis) -> None:
    with server.client() as client, pytest.raises(redis.ResponseError, match="killed"):
        client.eval("while true do end", 0)


class TestNoMemory:
    async def test_at_the_edge_a_call_is_whole_or_absent(self, clean_redis: LocalRedis, store: RedisStore) -> None:
        """Redis decides before a script's first write; the edge is walked in steps smaller than one call."""
        await begin(store)
        rows: list[Row] = [(f"{USER}{i}", b"a" * 200, bytes(2000), bytes(1000)) for i in range(200)]
        waited = 0
        with clean_redis.client() as client:
            for n in range(12):
                used = int(client.info("memory")["used_memory"])
                client.config_set("maxmemory", used + n * 60_000)
                fresh: list[Row] = [(f"{row[0]}.{n}", *row[1:]) for row in rows]
                call = asyncio.create_task(store.apply([call_of(n, n + 1, rows=fresh, commands=[ONE_PLAY])]))
                await until(lambda call=call: store.waiting == "OOM" or call.done())  # type: ignore[misc]
                n_rows = len(list(client.scan_iter(f"{USER}*.{n}", count=1000)))
                if not call.done():
                    waited += 1
                    assert (n_rows, client.hget(CURSOR, "next")) == (0, b"%d" % n)
                else:
                    assert (n_rows, client.hget(CURSOR, "next")) == (200, b"%d" % (n + 1))
                client.config_set("maxmemory", 0)
                assert await call == [Applied()]
            assert client.hget(key("u3", "quality"), "plays") == b"12"
        assert waited > 0, "the edge was never met"


class TestWhatCannotBeWaitedFor:
    async def test_a_wrong_password_stops_and_says_so(self, clean_redis: LocalRedis) -> None:
        store = RedisStore(clean_redis.url.replace("redis://", "redis://user:wrong@"), namespace=NS)
        with pytest.raises(StoreBroken, match="AuthenticationError"):
            await store.meta()

    async def test_a_missing_right_stops_and_names_the_key(self, clean_redis: LocalRedis) -> None:
        with clean_redis.client() as client:
            client.acl_setuser("narrow", enabled=True, passwords=["+p"], categories=["+@all"], keys=[f"{NS}:meta"])
        store = RedisStore(clean_redis.url.replace("redis://", "redis://narrow:p@"), namespace=NS)
        assert await store.meta() == {}
        with pytest.raises(StoreBroken, match="NoPermissionError") as broken:
            await store.apply([call_of()])
        assert broken.value.key == CURSOR
        await store.close()
        with clean_redis.client() as client:
            client.acl_deluser("narrow")


class TestACluster:
    async def test_a_moved_slot_is_followed(self, clean_cluster: LocalCluster) -> None:
        reasons = Reasons()
        store = RedisStore(clean_cluster.url, namespace=NS, on_wait=reasons.append)
        await begin(store)
        await store.apply([call_of(commands=[ONE_PLAY])])
        await asyncio.to_thread(clean_cluster.move_slot_of, CURSOR)
        assert await store.apply([call_of(5, 6, commands=[ONE_PLAY])]) == [Applied()]
        assert set(reasons) == {"MOVED"}, "until the map has reached the node that is asked for it"
        assert await store.read([(key("u3", "quality"), "plays")]) == [b"2"]
        await store.close()

    async def test_calls_of_many_partitions_go_to_all_nodes_at_once(self, clean_cluster: LocalCluster) -> None:
        store = RedisStore(clean_cluster.url, namespace=NS)
        cursors = [key(f"u{p}", "cursor") for p in range(16)]
        for cursor in cursors:
            await begin(store, cursor)
        assert await store.apply([call_of(partition=f"u{p}", rows=[]) for p in range(16)]) == [Applied()] * 16
        assert await store.owners(cursors) == [("ours", 5)] * 16
        for port in clean_cluster.ports:
            with redis.Redis(port=port) as node:
                assert node.dbsize() > 0
        await store.close()

    async def test_an_unreachable_cluster_is_waited_for(self) -> None:
        store = RedisStore("redis+cluster://127.0.0.1:1", namespace=NS)
        task = asyncio.create_task(store.apply([call_of()]))
        await until(lambda: store.waiting == "CLUSTERDOWN")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
