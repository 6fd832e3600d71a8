"""A Redis Cluster of local processes, all primaries: enough for slots, MOVED and hash tags."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType

import redis
from redis.crc import key_slot

from infra.child import Child, free_port
from infra.system import need_redis

SLOTS = 16_384
READY_S = 30.0


class LocalCluster:
    """`n_nodes` primaries that share the slots evenly; a context manager."""

    def __init__(self, data_dir: Path, *, n_nodes: int) -> None:
        self.ports = [free_port() for _ in range(n_nodes)]
        # Left alone, Redis listens for its peers on port + 10,000, which is where the system takes ports for connections from.
        self._buses = [free_port() for _ in range(n_nodes)]
        self._nodes = [
            Child(f"redis {port}", self._command(data_dir / str(port), port, bus), log=data_dir / f"{port}.log")
            for port, bus in zip(self.ports, self._buses, strict=True)
        ]

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.ports[0]}"

    def __enter__(self) -> LocalCluster:
        try:
            for node, port in zip(self._nodes, self.ports, strict=True):
                node.start()
                node.wait_ready(partial(_answers, port), READY_S)
            self._share_slots()
            for node, port in zip(self._nodes, self.ports, strict=True):
                node.wait_ready(partial(_agrees, port, len(self.ports)), READY_S)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        for node in self._nodes:
            node.stop()

    def _share_slots(self) -> None:
        n = len(self.ports)
        for i, port in enumerate(self.ports):
            with redis.Redis(port=port) as node:
                node.execute_command("CLUSTER", "ADDSLOTSRANGE", i * SLOTS // n, (i + 1) * SLOTS // n - 1)
                node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
                for other, bus in zip(self.ports[:i], self._buses[:i], strict=True):
                    node.execute_command("CLUSTER", "MEET", "127.0.0.1", other, bus)

    def move_slot_of(self, key: str) -> None:
        """Hand the slot of `key`, its keys included, to the next node."""
        slot = key_slot(key.encode(), SLOTS)
        here = slot * len(self.ports) // SLOTS
        there = (here + 1) % len(self.ports)
        with redis.Redis(port=self.ports[here]) as source, redis.Redis(port=self.ports[there]) as target:
            source_id, target_id = (node.execute_command("CLUSTER", "MYID").decode() for node in (source, target))
            target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
            source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
            for moved in source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000):
                source.execute_command("MIGRATE", "127.0.0.1", self.ports[there], moved, 0, 5000)
            for node in (target, source):
                node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    @staticmethod
    def _command(data_dir: Path, port: int, bus: int) -> list[str]:
        data_dir.mkdir(parents=True)
        options = {
            "port": port,
            "cluster-port": bus,
            "bind": "127.0.0.1",
            "dir": data_dir,
            "cluster-enabled": "yes",
            "save": "",
            "cluster-node-timeout": 5000,
        }
        return [need_redis(), *(str(part) for name, value in options.items() for part in (f"--{name}", value))]


def _answers(port: int) -> bool:
    try:
        with redis.Redis(port=port) as node:
            return bool(node.ping())
    except redis.ConnectionError:
        return False


def _agrees(port: int, n_nodes: int) -> bool:
    with redis.Redis(port=port) as node:
        told: bytes = node.execute_command("CLUSTER", "INFO")
    lines = told.decode().splitlines()
    wanted = ("cluster_state:ok", f"cluster_known_nodes:{n_nodes}", f"cluster_slots_ok:{SLOTS}")
    return all(line in lines for line in wanted)
