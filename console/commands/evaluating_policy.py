"""`segue evaluate policy`: what other lists would have been worth, from what was published and what was played."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from console.addresses import settings_of
from console.evaluation_report import figures
from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from console.audit_read import Stored
    from evaluation.policy_log import Event, Hits, Published
    from infra.settings import Settings

COMMAND = "segue evaluate policy"
WEAK_SUPPORT = 0.8
"""Mean weight below which people are told that the log cannot have shown what a target would."""


@guarded
def policy(
    context: typer.Context,
    recommendations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="jsonl of what was published; without it the topic is read.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="jsonl of the events, in their order; goes with the other file.")
    ] = None,
    targets: Annotated[str, typer.Option(metavar="NAMES", help="all, or of shown, greedy, uniform, popular with commas between.")] = "all",
    hits: Annotated[
        Literal["auto", "named", "next"],
        typer.Option(help="named: plays that name their list; next: the play that follows a list; auto: named where any play names one."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 1,
    as_json: Json = False,
) -> None:
    """Estimate hits per list of other policies from lists that explored (IPS and SNIPS, intervals by user)."""
    from evaluation.policy import TARGETS, estimate
    from evaluation.policy_log import Assembly

    names = _chosen(targets, TARGETS)
    published, played = _files(recommendations, events) or _topics(settings_of(context))
    log, counts = Assembly(published, _hits(hits, played)).run(played)
    if not log.n:
        why = f"none of {counts.lists:,} lists explored and was answered by an event" if counts.lists else "no list was published"
        raise Trouble(Exit.FAILURE, f"{why}: nothing says what other lists would have been worth", "SEGUE_EXPLORE_SHARE=0.05 segue up")
    report = {**counts._asdict(), "n_hits": int(log.hit.sum()), "seed": seed}
    report["targets"] = {name: estimate(log, TARGETS[name], seed) for name in names}
    if as_json:
        say_json(report)
    else:
        _show(report)


def _show(report: dict[str, Any]) -> None:
    title = (
        f"hits per list of `discover`, from {report['exploring']:,} lists that explored and {report['n_hits']:,} hits ({report['hits']})"
    )
    table = figures(title, "IPS", "SNIPS", "support", "observations")
    for name, found in report["targets"].items():
        table.add_row(name, _interval(found["ips"]), _interval(found["snips"]), f"{found['support']:.3f}", f"{found['observations']:,.0f}")
    screen().print(table)
    weak = [name for name, found in report["targets"].items() if found["support"] < WEAK_SUPPORT]
    if weak:
        say(f"{', '.join(weak)}: the log could not have shown much of what this would; its IPS is too low by that")


def _chosen(names: str, there: Collection[str]) -> list[str]:
    found = list(there) if names == "all" else [name.strip() for name in names.split(",")]
    for name in found:
        if name not in there:
            raise Trouble(Exit.USAGE, f"no target {name!r}; there are {', '.join(there)}", f"{COMMAND} --targets all")
    return found


def _interval(found: list[float] | None) -> str:
    return "-" if found is None else f"{found[1]:.4f} ({found[0]:.4f} to {found[2]:.4f})"


def _hits(asked: Literal["auto", "named", "next"], events: list[Event]) -> Hits:
    if asked != "auto":
        return asked
    return "named" if any(event.recommendation_id for event in events) else "next"


def _files(recommendations: Path | None, events: Path | None) -> tuple[list[Published], list[Event]] | None:
    from evaluation.policy_log import decode_event, decode_list

    if recommendations is None and events is None:
        return None
    if recommendations is None or events is None:
        raise Trouble(Exit.USAGE, "--recommendations and --events go together", f"{COMMAND} --recommendations FILE --events FILE")
    return list(_lines(recommendations, decode_list)), list(_lines(events, decode_event))


def _lines(path: Path, decode: Any) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for n, line in enumerate(file, 1):
                if line.strip() not in (b"", b"null"):
                    yield _decoded(decode, line, f"{path}:{n}")
    except OSError as error:
        raise Trouble(Exit.INVALID, f"{path}: {error.strerror}", f"ls -l {path.parent}") from error


def _decoded(decode: Any, value: bytes | None, where: str) -> Any:
    try:
        return decode(value or b"")
    except msgspec.MsgspecError as error:
        raise Trouble(Exit.INVALID, f"{where}: {error}", f"{COMMAND} --help") from error


def _topics(settings: Settings) -> tuple[list[Published], list[Event]]:
    """Both topics whole. Of events that the contract refuses none has a list, so they are passed over."""
    from evaluation.policy_log import decode_event, decode_list

    lists = [_decoded(decode_list, record.value, f"{record.topic}@{record.offset}") for record in _records(settings, "recommendations")]
    timed: list[tuple[int, Event]] = []
    for record in _records(settings, "events"):
        try:
            event = decode_event(record.value or b"")
        except msgspec.MsgspecError:
            continue
        event.event_id = event.event_id or dict(record.headers).get("ce_id", b"").decode("utf-8", "replace")
        timed.append((record.timestamp, event))
    timed.sort(key=lambda found: found[0])  # stable: a partition's events, that is a user's, stay in their order
    return lists, [event for _, event in timed]


def _records(settings: Settings, suffix: str) -> Iterator[Stored]:
    """Every record of a topic that has a value, partition by partition."""
    from console.audit_read import Topics
    from console.kafka_door import n_partitions

    topic = f"{settings.namespace}.{suffix}"
    partitions = range(n_partitions(settings, topic))
    with Topics(settings) as topics, Steps(topic, None) as steps:
        n = 0
        for partition in partitions:
            for record in topics.read(topic, partition):
                if record.value is not None:
                    yield record
                n += 1
                steps.show(n)
