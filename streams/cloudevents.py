"""CloudEvents 1.0 headers (Kafka binding, binary mode) of what Segue publishes.

The value stays plain JSON, so a reader that knows nothing of CloudEvents reads it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from streams.record_headers import headers_around

RECOMMENDATION: Final = "segue.recommendation.v1"
ANSWER: Final = "segue.answer.v1"
DECISION: Final = "segue.decision.v1"
EVENT: Final = "segue.{type}.v1"
"""ce_type of an event; `type` is the value's."""

PLAYS_SOURCE: Final = "/segue/plays"
MODELS_SOURCE: Final = "/segue/models"
ANSWERS_SOURCE: Final = "/segue/answers"

Headers = list[tuple[str, bytes]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPECVERSION: Final = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final = ("content-type", b"application/json")
_RECOMMENDATION_TYPE: Final = ("ce_type", RECOMMENDATION.encode())
_PLAYS: Final = ("ce_source", PLAYS_SOURCE.encode())


def headers(ce_type: str, ce_id: str, source: str, at_ms: int) -> Headers:
    """Headers of one record; `at_ms` (epoch ms) becomes ce_time.

    >>> headers("segue.play.v1", "01JD", "/phone", 1764582000012)[-2:]
    [('ce_time', b'2025-12-01T09:40:00.012Z'), ('content-type', b'application/json')]
    """
    return [
        _SPECVERSION,
        ("ce_id", ce_id.encode()),
        ("ce_type", ce_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", rfc3339(at_ms)),
        _CONTENT_TYPE,
    ]


def recommendation_headers(recommendation_id: bytes, at_ms: int) -> Headers:
    """Headers of a list made at `at_ms`: all parts but the id are shared by the lists of one millisecond."""
    return [_SPECVERSION, ("ce_id", recommendation_id), _RECOMMENDATION_TYPE, _PLAYS, ("ce_time", rfc3339(at_ms)), _CONTENT_TYPE]


def list_headers(at_ms: int) -> Callable[[bytes], bytes]:
    """`recommendation_headers` of many lists of one millisecond, as text: all but the id is made once."""
    return headers_around([_SPECVERSION], "ce_id", [_RECOMMENDATION_TYPE, _PLAYS, ("ce_time", rfc3339(at_ms)), _CONTENT_TYPE])


@lru_cache(maxsize=256)
def rfc3339(at_ms: int) -> bytes:
    """Epoch ms as RFC 3339 in UTC, with ms.

    >>> rfc3339(0)
    b'1970-01-01T00:00:00.000Z'
    """
    text = (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").encode()
