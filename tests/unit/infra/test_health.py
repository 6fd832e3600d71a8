"""Live and ready are two questions, answered over HTTP beside the metrics."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from infra.child import free_port
from infra.health import BEAT_S_MAX, Health, PortTaken, serving
from infra.metrics import Metrics


class Ticker:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Served(NamedTuple):
    port: int
    health: Health
    ticker: Ticker


@pytest.fixture
def served() -> Iterator[Served]:
    metrics, ticker = Metrics("segue"), Ticker()
    health = Health(metrics, monotonic=ticker)
    with serving("127.0.0.1", free_port(), metrics, health) as port:
        yield Served(port, health, ticker)


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_process_is_not_ready_before_it_says_so(served: Served) -> None:
    status, body = get(served.port, "/health/ready")
    assert (status, json.loads(body)["troubles"]) == (503, {"start": "not started yet"})
    served.health.clear("start")
    assert get(served.port, "/health/ready")[0] == 200


def test_a_dependency_that_is_away_makes_it_not_ready_but_leaves_it_alive(served: Served) -> None:
    served.health.clear("start")
    served.health.trouble("redis", "silent for 250 ms")
    status, body = get(served.port, "/health/ready")
    assert (status, json.loads(body)["troubles"]) == (503, {"redis": "silent for 250 ms"})
    assert get(served.port, "/health/live")[0] == 200
    served.health.clear("redis")
    assert get(served.port, "/health/ready")[0] == 200


def test_a_main_loop_that_hangs_is_not_alive_and_its_next_beat_revives_it(served: Served) -> None:
    served.ticker.now_s += BEAT_S_MAX + 1
    status, body = get(served.port, "/health/live")
    assert status == 503
    assert b"silent for 31 s" in body
    served.health.beat()
    assert get(served.port, "/health/live")[0] == 200


def test_the_gauge_says_what_the_page_says(served: Served) -> None:
    assert b"\nsegue_ready 0.0\n" in get(served.port, "/metrics")[1]
    served.health.clear("start")
    assert b"\nsegue_ready 1.0\n" in get(served.port, "/metrics")[1]


def test_any_other_page_names_the_three(served: Served) -> None:
    assert get(served.port, "/") == (404, b"/metrics, /health/live, /health/ready\n")


def test_the_port_is_free_again_afterwards() -> None:
    metrics, port = Metrics("segue"), free_port()
    for _ in range(2):
        with serving("127.0.0.1", port, metrics, Health(metrics)) as bound:
            assert bound == port


def test_port_0_means_no_server() -> None:
    metrics = Metrics("segue")
    with serving("127.0.0.1", 0, metrics, Health(metrics)) as port:
        assert port == 0


def test_a_taken_port_is_an_error_that_names_the_setting() -> None:
    metrics = Metrics("segue")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken, match="SEGUE_METRICS_PORT"), serving("127.0.0.1", taken.getsockname()[1], metrics, Health(metrics)):
            pass


def test_several_workers_share_a_setting_and_take_the_next_ports() -> None:
    metrics, port = Metrics("segue"), free_port()
    health = Health(metrics)
    with (
        serving("127.0.0.1", port, metrics, health, ports_max=16) as first,
        serving("127.0.0.1", port, metrics, health, ports_max=16) as second,
    ):
        assert first == port
        assert port < second < port + 16
