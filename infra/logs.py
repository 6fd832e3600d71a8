"""Structured logs: one JSON object per line on stderr.

Payloads are no business of a log at INFO and above: fields that carry them are dropped there, and only there are
they dropped, so that a debugging session can switch them on knowingly. Passwords inside URLs are hidden at every level.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from infra.settings import Settings, without_password

PAYLOAD_FIELDS = frozenset({"value", "payload", "key", "headers", "user_id", "track_id", "event_id", "record", "body"})
"""What identifies a person or repeats what they did. Topic, partition and offset find a record without telling it."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Event = MutableMapping[str, Any]


def configure(settings: Settings, *, role: str, stream: TextIO | None = None) -> None:
    """Send our lines and those of the libraries to `stream` (stderr) as JSON; called once per process, after a fork."""
    out = stream or sys.stderr
    level = LEVELS[settings.log_level]
    shared: list[Any] = [
        # Not a context variable: the libraries' own threads have a context of their own.
        _origin(role, settings.namespace),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        without_payloads,
        without_passwords,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    _libraries(out, level, shared)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry `module=name`.

    >>> log = get("streams.rounds")
    """
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def without_payloads(_logger: object, method: str, event: Event) -> Event:
    """Drop payload fields above DEBUG, and say that they were dropped."""
    if method == "debug":
        return event
    dropped = sorted(PAYLOAD_FIELDS.intersection(event))
    for field in dropped:
        del event[field]
    if dropped:
        event["withheld"] = dropped
    return event


def without_passwords(_logger: object, _method: str, event: Event) -> Event:
    """Hide the password of every URL among the fields."""
    for field, value in event.items():
        if isinstance(value, str) and "://" in value and "@" in value:
            event[field] = " ".join(without_password(word) if "://" in word else word for word in value.split(" "))
    return event


def _libraries(out: TextIO, level: int, shared: list[Any]) -> None:
    """The standard library's logging (Faust, aiokafka) in the same form; chatter of libraries starts at WARNING."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_add_module, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))


def _origin(role: str, namespace: str) -> Callable[[object, str, Event], Event]:
    def add(_logger: object, _method: str, event: Event) -> Event:
        return {**event, "role": role, "namespace": namespace}

    return add


def _add_module(_logger: object, _method: str, event: Event) -> Event:
    event["module"] = event["_record"].name
    return event
