"""A local Redis as Segue wants it: append-only file on, nothing evicted, reachable from this machine alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

import redis

from infra.child import Child, free_port
from infra.system import need_redis

START_S = 30.0
"""Start-up includes reading the append-only file back: 0.04-0.25 s for the sizes of tests."""

AOF_DIR = "appendonlydir"

REWRITE_MIN = "512mb"
"""A fenced apply writes 8 KB a play over rows that are there already, so with Redis' 64 MB the file was rewritten every 7,000 plays:
29 of 68 us of Redis' CPU per play. Reading 660 MB back takes a restart 1.7 s."""


def redis_answers(url: str) -> bool:
    """Whether a Redis serves there; one that still loads its data does not yet."""
    try:
        with redis.Redis.from_url(url, socket_timeout=10) as client:
            return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
        return False


class LocalRedis:
    """One redis-server under `data_dir`; a context manager that starts and stops it.

    `restart`, `kill` + `start`, `flush`, and `remember` + `roll_back` are the faults that Segue must survive.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, appendfsync: str = "everysec") -> None:
        self.data_dir = data_dir.resolve()
        self.port = port or free_port()
        self.appendfsync = appendfsync
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """Process id of redis-server."""
        return self._started().pid

    def start(self) -> LocalRedis:
        """Start it with the data it left; returns when it answers. Raises ServiceFailed, Missing."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._child = Child("redis-server", self._command(need_redis()), log=self.data_dir / "redis.log", lock=self.data_dir / "lock")
        self._child.start()
        try:
            self._child.wait_ready(self._answers, START_S)
        except BaseException:
            self._child.stop()
            raise
        return self

    def stop(self) -> None:
        """End it in order; its data stays."""
        if self._child is not None:
            self._child.stop()

    def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9. Acknowledged writes survive: the page cache outlives a process."""
        self._started().kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._started().freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._started().thaw()

    def flush(self) -> None:
        """FLUSHALL: every key is gone, the server stays."""
        with self.client() as client:
            client.flushall()

    def remember(self, aside: Path) -> None:
        """Copy the append-only file aside, as a backup would; the server goes on.

        A rewrite is waited for first, since it replaces the files under the copy. The copy may end inside a
        command; Redis truncates that on load.
        """
        with self.client() as client:
            while client.info("persistence")["aof_rewrite_in_progress"]:
                pass
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(self.data_dir / AOF_DIR, aside)

    def roll_back(self, aside: Path) -> None:
        """kill -9, put the remembered file back, start: state and cursors of an earlier moment."""
        self._started().kill()
        shutil.rmtree(self.data_dir / AOF_DIR)
        shutil.copytree(aside, self.data_dir / AOF_DIR)
        self.start()

    def client(self) -> redis.Redis:
        """A plain client for set-up and checks."""
        return redis.Redis(port=self.port, socket_timeout=10)

    def __enter__(self) -> LocalRedis:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _started(self) -> Child:
        assert self._child is not None, "start() comes first"
        return self._child

    def _answers(self) -> bool:
        return redis_answers(self.url)

    def _command(self, binary: str) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.data_dir),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": self.appendfsync,
            "auto-aof-rewrite-min-size": REWRITE_MIN,
            "aof-load-truncated": "yes",
            # Lists and rows are rewritten again soon: compressing them costs a rewrite three quarters of its time.
            "rdbcompression": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]
