"""Fixtures for every test: real services by the ladder of infra/services.py, and a namespace of one's own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from infra.services import Addresses
from infra.services import services as start_services

# How long an example takes says more of the neighbours on the machine than of the code.
settings.register_profile("segue", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("segue")

ROOT = Path(__file__).resolve().parents[1]

INTEGRATION = ROOT / "tests" / "integration"
SERVICE_FIXTURES = frozenset({"services", "kafka_address", "redis_url"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the tests that kill go on."""
    parser.addoption("--kills", type=int, default=3, help="How often the models worker is killed (tests/integration/test_models_exact.py).")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a real service or lives beside such tests, so that `make check` can leave it out."""
    for item in items:
        if INTEGRATION in item.path.parents or SERVICE_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("services")


@pytest.fixture(scope="session")
def services() -> Iterator[Addresses]:
    """A real Kafka and a real Redis, started once per test session; a machine that cannot have them fails the test."""
    with start_services("test", ROOT / ".segue") as addresses:
        yield addresses


@pytest.fixture(scope="session")
def kafka_address(services: Addresses) -> str:
    """Bootstrap servers."""
    return services.kafka


@pytest.fixture(scope="session")
def redis_url(services: Addresses) -> str:
    """URL of Redis. Keys of a test start with its `namespace`."""
    return services.redis


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A namespace that no other test has: readable start, random end, valid as a setting."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:16].rstrip("-")
    return f"t-{name}-{uuid.uuid4().hex[:8]}"
