"""The third door reads one server and a Cluster alike, and a namespace is deleted without its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.redis_client import connect, delete_namespace
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra.settings import Settings
from tests.contracts.cluster_process import LocalCluster


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with LocalCluster(tmp_path_factory.mktemp("cluster"), n_nodes=2) as cluster:
        yield cluster.url


@pytest.fixture(params=["server", "cluster"])
def settings(request: pytest.FixtureRequest, redis_url: str, namespace: str) -> Settings:
    url = redis_url if request.param == "server" else request.getfixturevalue("cluster_url")
    return msgspec.structs.replace(Settings(), namespace=namespace, redis=url)


@pytest.fixture
def client(settings: Settings) -> Iterator[Any]:
    client = connect(settings)
    yield client
    client.close()


def test_hashes_fields_texts_and_documents_are_read_over_all_partitions(settings: Settings, client: Any) -> None:
    state = State(settings)
    keys = [state.keys.user_cursor(p) for p in range(8)]
    for p, key in enumerate(keys[:7]):
        client.hset(key, "next", p)
    client.hset(state.keys.user(3, "ana"), mapping={"about": '{"plays": 4}'})
    client.set(state.keys.popular(0), "[]")
    assert [cursor.get("next") for cursor in state.hashes(keys)] == [b"0", b"1", b"2", b"3", b"4", b"5", b"6", None]
    assert state.document(state.keys.user(3, "ana"), "about") == {"plays": 4}
    assert state.document(state.keys.user(3, "ana"), "list") is None
    assert state.fields(keys[2], ["next", "token"]) == {"next": b"2"}
    assert (state.text(state.keys.popular(0)), state.text(state.keys.popular(1))) == (b"[]", None)
    assert state.server("server")["redis_version"]
    assert state.time_ms() > 0
    state.close()


def test_all_tracks_and_fields_of_many_hashes_are_read_over_all_partitions(settings: Settings, client: Any) -> None:
    state = State(settings)
    keys = [state.keys.track(q, f"t:{n}") for q in range(8) for n in range(300)]
    for q in range(8):
        client.hset(state.keys.track_ids(q), mapping={f"{n:016x}": f"t:{n}" for n in range(300)})
    for key in keys:
        client.hset(key, mapping={"about": "{}", "row": key})
    client.hset(state.keys.user(1, "track:ana"), "row", "x")
    assert sorted(set(state.track_keys())) == sorted(keys)
    assert state.n_tracks() == 2_400
    wanted = [(key, ["row", "none"]) for key in keys[::100]] + [(state.keys.track(0, "nobody"), ["row"])]
    assert state.many(wanted) == [[key.encode(), None] for key in keys[::100]] + [[None]]
    assert state.many([]) == []
    state.close()


def test_a_namespace_is_deleted_whole_and_its_neighbours_stay(settings: Settings, client: Any) -> None:
    mine, neighbour = State(settings).keys, f"{settings.namespace}-2:meta"
    for p in range(8):
        for user in range(200):
            client.hset(mine.user(p, f"u{user}"), "row", "x")
    client.hset(mine.meta(), "incarnation", "00c0ffee")
    client.hset(neighbour, "incarnation", "00c0ffee")
    assert delete_namespace(settings) == 1_601
    assert list(client.scan_iter(match=f"{settings.namespace}:*")) == []
    assert client.exists(neighbour) == 1


def test_a_socket_that_nobody_listens_on_is_unreachable(tmp_path: Path) -> None:
    state = State(msgspec.structs.replace(Settings(), redis=f"unix://{tmp_path / 'nobody.sock'}"))
    with pytest.raises(Trouble) as caught:
        state.server("server")
    assert caught.value.code == Exit.UNREACHABLE
