"""Takes a namespace away that nobody needs any more: the demo's, on services that are not its own."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from console.output import say
from console.redis_client import delete_namespace
from console.trouble import Trouble
from infra.settings import Settings

ASK_S = 15.0


def sweep(settings: Settings) -> None:
    """Delete the namespace's topics and keys; says so when a service does not answer any more."""
    prefix = settings.namespace
    try:
        admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 0})
        names = [name for name in admin.list_topics(timeout=ASK_S).topics if name.startswith(f"{prefix}.")]
        for done in (admin.delete_topics(names, operation_timeout=ASK_S) if names else {}).values():
            done.result()
        delete_namespace(settings)
    except (KafkaException, Trouble) as error:
        say(f"the demo's namespace {prefix} could not be swept: {error}")
