"""Redis servers of the store's own tests: they are killed, filled and turned into replicas, so nobody else uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.redis_process import LocalRedis
from tests.contracts.cluster_process import LocalCluster

OWN_SERVERS = frozenset({"clean_redis", "clean_cluster"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These ask for a real service as much as those of tests/conftest.py do."""
    for item in items:
        if OWN_SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("services")


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    """A server that every test finds as it was made: empty, without limits, a primary."""
    with LocalRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def clean_redis(own_redis: LocalRedis) -> LocalRedis:
    with own_redis.client() as client:
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 0)
        client.flushall()
        client.script_flush()
    return own_redis


@pytest.fixture(scope="session")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with LocalCluster(Path(tmp_path_factory.mktemp("cluster")), n_nodes=3) as cluster:
        yield cluster


@pytest.fixture
def clean_cluster(own_cluster: LocalCluster) -> LocalCluster:
    for port in own_cluster.ports:
        with redis.Redis(port=port) as node:
            node.flushall()
    return own_cluster
