"""Whether a process lives and is ready, and one small HTTP server that says so beside its metrics.

`/health/live`: the main loop turned lately; a restart helps when it did not. `/health/ready`: nothing that the process
needs is away; a restart would not help. `/metrics`: what Prometheus scrapes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

from infra.metrics import Metrics

BEAT_S_MAX = 30.0
"""A main loop that is silent for longer hangs: a round takes milliseconds, a wait for Redis or Kafka turns the loop."""

REQUEST_S_MAX = 5.0
"""A scraper that sends nothing does not hold a thread for longer."""


class PortTaken(RuntimeError):
    """Another process listens on the metrics port; the message says how to choose another."""


class Health:
    """What the main loop says about itself; read by the server's threads.

    >>> health = Health(Metrics("segue"))
    >>> health.ready()
    (False, {'start': 'not started yet'})
    >>> health.clear("start"); health.trouble("redis", "silent for 250 ms"); health.ready()
    (False, {'redis': 'silent for 250 ms'})
    >>> health.clear("redis"); health.ready()
    (True, {})
    """

    def __init__(self, metrics: Metrics, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._troubles: dict[str, str] = {}
        self._beat_at = monotonic()
        self.trouble("start", "not started yet")

    def trouble(self, what: str, why: str) -> None:
        """Not ready while `what` is in trouble; says why."""
        self._troubles = {**self._troubles, what: why}
        self._metrics.set("ready", 0)

    def clear(self, what: str) -> None:
        """`what` is fine (again)."""
        self._troubles = {name: why for name, why in self._troubles.items() if name != what}
        self._metrics.set("ready", 0 if self._troubles else 1)

    def beat(self) -> None:
        """Called by the main loop at least once a second."""
        self._beat_at = self._monotonic()

    def ready(self) -> tuple[bool, dict[str, str]]:
        """(ready, troubles)."""
        return not self._troubles, self._troubles

    def live(self) -> tuple[bool, dict[str, str]]:
        """(alive, troubles)."""
        silent_s = self._monotonic() - self._beat_at
        if silent_s <= BEAT_S_MAX:
            return True, {}
        return False, {"loop": f"the main loop has been silent for {silent_s:.0f} s"}


@contextmanager
def serving(host: str, port: int, metrics: Metrics, health: Health, *, ports_max: int = 1) -> Iterator[int]:
    """Serve from a thread for as long as the block runs; yields the port. Port 0: no server, yields 0.

    The first free of `ports_max` ports from `port` up is taken, so that several workers of a machine share a setting.

    Raises PortTaken when none is free.
    """
    if port == 0:
        yield 0
        return
    server = _first_free(host, port, ports_max, metrics, health)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.5}, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _first_free(host: str, port: int, ports_max: int, metrics: Metrics, health: Health) -> ThreadingHTTPServer:
    handler = _handler(metrics, health)
    for candidate in range(port, port + ports_max):
        try:
            server = _Server((host, candidate), handler)
        except OSError as error:
            reason = error.strerror
            continue
        return server
    last = f"-{port + ports_max - 1}" if ports_max > 1 else ""
    raise PortTaken(f"the metrics server cannot listen on {host}:{port}{last} ({reason}): set SEGUE_METRICS_PORT, 0 = off")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # With it a second server could share the port of a first one that is closing, and nobody would notice.
    allow_reuse_port = False


def _handler(metrics: Metrics, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S_MAX

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, metrics.text())
            elif self.path in ("/health/live", "/health/ready"):
                good, troubles = health.live() if self.path.endswith("live") else health.ready()
                body = json.dumps({"status": "ok" if good else "trouble", "troubles": troubles}).encode()
                self._answer(200 if good else 503, "application/json", body)
            else:
                self._answer(404, "text/plain; charset=utf-8", b"/metrics, /health/live, /health/ready\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are no news."""

    return Handler
