"""The command `segue`: which commands there are, and the options that stand before them."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from console.addresses import remember
from console.commands import (
    auditing,
    bench,
    chaos,
    cleaning,
    clusters,
    comparing,
    counting,
    deciding,
    doctor,
    evaluating,
    evaluating_catalogue,
    evaluating_cleaning,
    evaluating_policy,
    explaining,
    importing,
    looking,
    mapping,
    micro_genres,
    modelling,
    ranking,
    rebuilding,
    replaying,
    running,
    segmenting,
    sending,
    staying,
    topics,
    tuning,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Every play becomes a list. Start with `segue demo`, or with `segue up`.",
    epilog="Exit codes: 0 well, 1 failed, 2 usage, 3 input is wrong, 4 Kafka or Redis is away, 5 refused for safety.",
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segue {version('segue')}, Python {platform.python_version()}")
        raise typer.Exit()


@app.callback()
def root(
    context: typer.Context,
    namespace: Annotated[str | None, typer.Option(help="First part of topics, groups and keys.")] = None,
    kafka: Annotated[str | None, typer.Option(help="host:port of a broker.")] = None,
    redis: Annotated[str | None, typer.Option(help="redis:// URL.")] = None,
    _version: Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Versions, and exit.")] = False,
) -> None:
    """Options here win over SEGUE_* variables, these over a running `segue up`."""
    remember(context, namespace=namespace, kafka=kafka, redis=redis)


COMMANDS: tuple[Callable[..., None], ...] = (
    running.up,
    running.demo,
    running.worker,
    sending.send,
    sending.tail,
    deciding.like,
    deciding.dislike,
    deciding.block,
    deciding.unblock,
    deciding.undo,
    deciding.forget,
    deciding.pause,
    deciding.resume,
    looking.recommend,
    looking.user,
    looking.track,
    looking.where,
    staying.chart,
    explaining.why,
    comparing.similar,
    micro_genres.micro_genres,
    micro_genres.text_clusters,
    tuning.radio,
    replaying.replay,
    auditing.audit,
    doctor.doctor,
    rebuilding.rebuild,
)
for command in COMMANDS:
    app.command()(command)
app.command("map")(mapping.map_)
app.command(context_settings=bench.SETTINGS)(bench.bench)

quality_app = typer.Typer()
quality_app.callback(invoke_without_command=True)(looking.quality)
quality_app.command()(cleaning.catalogue)
app.add_typer(quality_app, name="quality")

import_app = typer.Typer(no_args_is_help=True, help="Files into topics.")
import_app.command()(importing.catalogue)
app.add_typer(import_app, name="import")


@import_app.callback()
def import_() -> None:
    """A group, although there is one command in it so far: plays are replayed."""


topics_app = typer.Typer(no_args_is_help=True, help="The topics of a namespace: plan, apply.")
topics_app.command()(topics.plan)
topics_app.command()(topics.apply)
app.add_typer(topics_app, name="topics")

ranker_app = typer.Typer(no_args_is_help=True, help="What the ranker has learned.")
ranker_app.command()(ranking.show)
app.add_typer(ranker_app, name="ranker")


@ranker_app.callback()
def ranker() -> None:
    """A group, although there is one command in it so far."""


model_app = typer.Typer(no_args_is_help=True, help="The models that learn from lessons: what they are, what is served of them.")
model_app.command("list")(modelling.list_)
for about_models in (modelling.show, modelling.history, modelling.rollback, modelling.pin, modelling.unpin):
    model_app.command()(about_models)
app.add_typer(model_app, name="model")

evaluate_app = typer.Typer(no_args_is_help=True, help="How good lists and models are, measured on recorded data.")
evaluate_app.command()(evaluating.plays)
evaluate_app.command()(evaluating_policy.policy)
evaluate_app.command()(evaluating_catalogue.catalogue)
evaluate_app.command()(evaluating_cleaning.cleaning)
evaluate_app.command()(clusters.clusters)
evaluate_app.command("maps")(mapping.evaluate_maps)
evaluate_app.command()(counting.counts)
evaluate_app.command()(segmenting.segments)
app.add_typer(evaluate_app, name="evaluate")

chaos_app = typer.Typer(no_args_is_help=True, help="Break things on purpose, on services of its own, and be judged from outside.")
for fault in (chaos.kills, chaos.redis_kill, chaos.redis_flush, chaos.redis_rollback, chaos.broker_kill, chaos.zombie, chaos.mixed):
    chaos_app.command()(fault)
app.add_typer(chaos_app, name="chaos")
