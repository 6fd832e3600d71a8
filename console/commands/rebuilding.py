"""`segue rebuild`: forget the state and make it again from the log."""

from __future__ import annotations

from typing import Annotated

import typer

from console.addresses import settings_of
from console.kafka_door import first_offsets, group_members
from console.output import Json, guarded, say_json, screen
from console.redis_client import delete_namespace
from console.site import ROLES
from console.trouble import Exit, Trouble
from infra.settings import Settings


@guarded
def rebuild(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete the namespace's keys.")] = False,
    accept_gap: Annotated[bool, typer.Option("--accept-gap", help="Although the oldest events are deleted already.")] = False,
    as_json: Json = False,
) -> None:
    """Delete every key of the namespace, so that workers make the state again from all events that Kafka still has."""
    settings = settings_of(context)
    _nobody_works(settings)
    _nothing_is_missing(settings, accept_gap)
    if not yes:
        raise Trouble(Exit.REFUSED, f"this deletes every key {settings.namespace}:* from Redis", "segue rebuild --yes")
    n = delete_namespace(settings)
    if as_json:
        say_json({"namespace": settings.namespace, "deleted": n})
        return
    workers = ", ".join(f"segue worker {role}" for role in ROLES)
    screen().print(f"deleted {n:,} keys {settings.namespace}:*; now start workers: {workers}", markup=False)


def _nobody_works(settings: Settings) -> None:
    """A worker that lives through the deletion would mix two lives of the namespace."""
    for role in ROLES:
        group = f"{settings.namespace}.{role}"
        members = group_members(settings, group)
        if members:
            raise Trouble(Exit.REFUSED, f"{members} worker(s) are in group {group}: stop them first", "segue doctor")


def _nothing_is_missing(settings: Settings, accept_gap: bool) -> None:
    gone = sum(first_offsets(settings, f"{settings.namespace}.events"))
    if gone and not accept_gap:
        raise Trouble(
            Exit.REFUSED,
            f"retention has deleted {gone:,} events: what they taught would be lost",
            "segue rebuild --yes --accept-gap",
        )
