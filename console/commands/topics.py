"""`segue topics plan` and `segue topics apply`: the cluster and the table of topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

from console.addresses import settings_of
from console.kafka_door import knock
from console.output import Json, guarded, say_json, screen
from console.trouble import Exit, Trouble, kafka_away
from infra import topics
from infra.settings import Settings


@guarded
def plan(context: typer.Context, as_json: Json = False) -> None:
    """What `segue topics apply` would do."""
    settings = settings_of(context)
    _tell(asked(topics.plan, settings), "would", as_json)


@guarded
def apply(context: typer.Context, as_json: Json = False) -> None:
    """Create topics that are missing and set what differs; a second time there is nothing to do."""
    settings = settings_of(context)
    _tell(asked(topics.apply, settings), "did", as_json)


def asked(question: Callable[[Settings], list[topics.Change]], settings: Settings) -> list[topics.Change]:
    """`question(settings)` with its failures as `Trouble`: exit 4 when Kafka is away, 5 when partitions differ."""
    knock(settings)
    try:
        return question(settings)
    except topics.KafkaAway as error:
        raise kafka_away(settings.kafka, str(error)) from error
    except topics.PartitionsDiffer as error:
        raise Trouble(Exit.REFUSED, str(error), "segue --namespace OTHER topics apply") from error
    except topics.TopicsError as error:
        raise Trouble(Exit.FAILURE, str(error), "segue doctor") from error


def _tell(changes: Sequence[topics.Change], verb: str, as_json: bool) -> None:
    if as_json:
        say_json({"changes": [change._asdict() for change in changes]})
        return
    out = screen()
    for change in changes:
        out.print(f"{verb} {change.kind} {change.topic}: {change.detail}", markup=False)
    if not changes:
        out.print("topics are as declared: nothing to do")
