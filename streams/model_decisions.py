"""What models decided, as records of the decisions topic: published again under the same id after a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from online_models.model import Happening
from streams.cloudevents import DECISION, MODELS_SOURCE, PLAYS_SOURCE, Headers, headers
from streams.contract import Decision, Scalar
from streams.model_versions import Verb, Wish
from streams.ports import Outgoing

PARTITION: Final = 0
"""The topic has one: decisions are few, and read in one order."""

CHAMPION, REBUILT, DRIFT = "champion", "rebuilt", "drift"
BY_VERB: Final[dict[Verb, str]] = {"pin": "pinned", "rollback": "rollback", "unpin": "unpinned"}
"""Values of `decision`."""
RANKER: Final = "ranker"
"""Stands for a model's name: the ranker of a plays worker learns without lessons, and is in no registry."""

_decode = msgspec.json.Decoder(list[Decision]).decode


def champion_changed(incarnation: str, model: str, n_lessons: int, at_ms: int, detail: Mapping[str, Scalar]) -> Decision:
    """The champion after `n_lessons` is another one. A fold of the same lessons gives it the same id."""
    return Decision(decision_id=f"{incarnation}-{model}-{n_lessons}", model=model, at=at_ms, decision=CHAMPION, detail=dict(detail))


def happened(incarnation: str, model: str, n_lessons: int, at_ms: int, it: Happening) -> Decision:
    """What a model decided at its lesson `n_lessons`. A fold of the same lessons gives it the same id."""
    decision_id = f"{incarnation}-{model}-{n_lessons}-{it.what}-{it.about}"
    return Decision(decision_id=decision_id, model=model, at=at_ms, decision=it.what, detail=dict(it.detail))


def drifted(incarnation: str, model: str, cause: str, at_ms: int, detail: Mapping[str, Scalar]) -> Decision:
    """What `model` says came true less often than before; `cause` tells the event that tipped it from all others."""
    return Decision(decision_id=f"{incarnation}-{model}-{cause}", model=model, at=at_ms, decision=DRIFT, detail=dict(detail))


def rebuilt(incarnation: str, model: str, version: int, at_ms: int, reason: str) -> Decision:
    """Snapshot `version` was refused, and the model learned all its lessons again."""
    detail: dict[str, Scalar] = {"version": version, "reason": reason}
    return Decision(decision_id=f"{incarnation}-{model}-rebuilt-{version}", model=model, at=at_ms, decision=REBUILT, detail=detail)


def granted(incarnation: str, model: str, wish: Wish, before: int, after: int) -> Decision:
    """What is served was version `before` and is `after`, because an operator wanted it."""
    decision_id = f"{incarnation}-{model}-wish-{wish.id}"
    return Decision(decision_id=decision_id, model=model, at=wish.at_ms, decision=BY_VERB[wish.verb], detail={"from": before, "to": after})


def encode(decisions: Sequence[Decision]) -> bytes:
    """Bytes for `pending`; empty when there is nothing to publish."""
    return msgspec.json.encode(decisions) if decisions else b""


def decode(raw: bytes) -> list[Decision]:
    """The inverse; empty bytes are nothing."""
    return _decode(raw) if raw else []


def records(namespace: str, decisions: Sequence[Decision]) -> list[Outgoing]:
    """One record each, in order; the key is the model's name."""
    topic = f"{namespace}.decisions"
    return [Outgoing(topic, PARTITION, d.model.encode(), msgspec.json.encode(d), _headers(d)) for d in decisions]


def _headers(d: Decision) -> Headers:
    return headers(DECISION, d.decision_id, PLAYS_SOURCE if d.model == RANKER else MODELS_SOURCE, d.at)
