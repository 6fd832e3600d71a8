"""A question by the doors that everybody has: an event goes in, and its answer is waited for on the topic of answers."""

from __future__ import annotations

import time
import uuid
from typing import Any, NamedTuple

import msgspec

from console.commands.sending import produce
from console.kafka_door import Follower, knock
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.contract import Answer

LOOK_S = 0.2


class Heard(NamedTuple):
    """An answer, and how long it took from the acknowledgement of the event on."""

    answer: Answer
    waited_s: float


def ask(settings: Settings, question: dict[str, Any], now_ms: int, wait_s: float) -> Heard:
    """Send the event `question` and wait for its answer.

    Raises
    ------
    Trouble : no answer within `wait_s`, or one that says why there is none (exit 1); Kafka is away (exit 4)
    """
    knock(settings)
    # Before the question: whatever is appended from now on is heard.
    follower = Follower(settings, f"{settings.namespace}.answers")
    try:
        (sent,) = produce(settings, [{"event_id": uuid.uuid4().hex, **question}], now_ms, quiet=True)
        began_s = time.monotonic()
        while (waited_s := time.monotonic() - began_s) < wait_s:
            for message in follower.take(LOOK_S):
                answer = msgspec.json.decode(message.value() or b"", type=Answer)
                if (answer.cause.partition, answer.cause.offset) == (sent["partition"], sent["offset"]):
                    return Heard(_checked(answer), time.monotonic() - began_s)
    finally:
        follower.close()
    raise Trouble(Exit.FAILURE, f"nobody answered the event {sent['event_id']} within {waited_s:.0f} s", "segue worker answers")


def _checked(answer: Answer) -> Answer:
    if answer.error is not None:
        raise Trouble(Exit.FAILURE, f"{answer.error.reason}: {answer.error.message}", f"segue user {answer.user_id}")
    return answer
