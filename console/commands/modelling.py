"""`segue model`: which models learn, what they have decided, which of their versions is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.table import Table

from console.addresses import settings_of
from console.kafka_door import records
from console.moments import moment
from console.output import Json, guarded, say_json, screen
from console.redis_door import State
from console.trouble import Exit, Trouble
from console.wishes import ask
from infra.settings import Settings
from streams.clock import SystemClock
from streams.contract import Decision
from streams.model_decisions import RANKER
from streams.model_versions import Verb, Version, decode

DECISIONS_MAX: Final = 1_000
"""Of all models, the newest that are looked through."""
NUMBERS: Final = ("version", "next", "saved_at_ms", "served", "pinned", "schema", "lessons")
"""Fields of a manifest that are whole numbers."""
COUNTS: Final = ("users", "waiting", "labels_")
"""How its counts begin."""
FLOATS: Final = ("log_loss_", "accuracy_", "genres", "clusters", "kept_share", "deviance_", "usual_new")
"""How its scores begin."""

Name = Annotated[str, typer.Argument(help="The model's name; `segue model list` has them.")]
Number = Annotated[int, typer.Argument(metavar="VERSION", min=1, help="One that `segue model history` shows.")]


@guarded
def list_(context: typer.Context, as_json: Json = False) -> None:
    """The models that learn, how far they are, and what is served of them."""
    from online_models.registry import MODELS

    state = State(settings_of(context))
    manifests = state.hashes([state.keys.manifest(entry.name) for entry in MODELS])
    rows = [{"model": entry.name, "partition": entry.partition, **_plain(found)} for entry, found in zip(MODELS, manifests, strict=True)]
    if as_json:
        say_json({"models": rows})
        return
    table = Table("model", "partition", "lessons", "version", "served", "champion", "log-loss", "saved")
    for row in rows:
        served = f"{row.get('served', '-')}{' (pinned)' if row.get('pinned') else ''}"
        saved = moment(row["saved_at_ms"]) if "saved_at_ms" in row else "no snapshot yet"
        cells = (row["partition"], row.get("lessons", "-"), row.get("version", "-"), served, row.get("champion", "-"), _loss(row), saved)
        table.add_row(row["model"], *map(str, cells))
    screen().print(table)


@guarded
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """One model: its snapshot, how it was made, and how good it is."""
    state = State(settings_of(context))
    manifest, cursor = state.hashes([state.keys.manifest(_known(name)), state.keys.model_cursor(name)])
    if "version" not in manifest:
        raise Trouble(Exit.FAILURE, f"{name} has no snapshot yet (no {state.keys.manifest(name)})", "segue worker models")
    counts = ("applied", "asked", "refused", "skipped", "foreign", "missing", "malformed")
    told: dict[str, Any] = {"model": name, **_plain(manifest), "lessons_taken": {field: int(cursor.get(field, b"0")) for field in counts}}
    if as_json:
        say_json(told)
        return
    table = Table.grid(padding=(0, 2))
    for field, value in told.items():
        table.add_row(field, moment(value) if field == "saved_at_ms" else ", ".join(_words(value)))
    screen().print(table)


@guarded
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"The model's name, as `segue model list` has them, or `{RANKER}`.")],
    n: Annotated[int, typer.Option("-n", min=1, max=DECISIONS_MAX, help="How many decisions, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """The versions that are kept, and what was decided."""
    settings = settings_of(context)
    state = State(settings)
    versions = decode(state.text(state.keys.versions(name if name == RANKER else _known(name))))
    (manifest,) = state.hashes([state.keys.manifest(name)])
    served, decided = int(manifest.get("served", b"0")), _decisions(settings, name)[-n:]
    if as_json:
        say_json({"model": name, "served": served, "pinned": int(manifest.get("pinned", b"0")), "versions": versions, "decisions": decided})
        return
    if name != RANKER:  # its weights are copied every few seconds, over those of before
        screen().print(_table_of(versions, served, bool(int(manifest.get("pinned", b"0")))))
    table = Table("when", "decision", "", title="decisions")
    for decision in decided:
        table.add_row(moment(decision.at), decision.decision, ", ".join(_words(decision.detail)))
    screen().print(table)


@guarded
def rollback(context: typer.Context, name: Name, version: Number, as_json: Json = False) -> None:
    """Serve an older version until `unpin`. Learning goes on: to learn the same lessons again would make the same model."""
    _wish(context, name, "rollback", version, as_json)


@guarded
def pin(context: typer.Context, name: Name, version: Number, as_json: Json = False) -> None:
    """Serve this version until `unpin`. Learning goes on."""
    _wish(context, name, "pin", version, as_json)


@guarded
def unpin(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Serve the newest version again."""
    _wish(context, name, "unpin", 0, as_json)


def _wish(context: typer.Context, name: str, verb: Verb, version: int, as_json: bool) -> None:
    served = ask(settings_of(context), SystemClock(), _known(name), verb, version)
    if as_json:
        say_json({"model": name, "served": served, "pinned": 0 if verb == "unpin" else served})
    else:
        kind = "the newest again" if verb == "unpin" else f"until `segue model unpin {name}`"
        screen().print(f"{name}: version {served} is served, {kind}", markup=False)


def _known(name: str) -> str:
    from online_models.registry import MODELS

    names = [entry.name for entry in MODELS]
    if name not in names:
        raise Trouble(Exit.USAGE, f"no model {name!r}; there are {', '.join(names)}", "segue model list")
    return name


def _decisions(settings: Settings, name: str) -> list[Decision]:
    """Those of one model, each id once, oldest first."""
    found: dict[str, Decision] = {}
    for message in records(settings, f"{settings.namespace}.decisions", last=DECISIONS_MAX, follow=False):
        if message.key() == name.encode():
            decision = msgspec.json.decode(message.value() or b"", type=Decision)
            found.setdefault(decision.decision_id, decision)
    return list(found.values())


def _plain(manifest: Mapping[str, bytes]) -> dict[str, Any]:
    """A manifest's fields, numbers as numbers; {} before the first snapshot."""
    if "version" not in manifest:
        return {}
    told: dict[str, Any] = {}
    for field, raw in manifest.items():
        text = raw.decode()
        if field == "parts":
            told[field] = msgspec.json.decode(raw)
        elif field in NUMBERS or field.startswith(COUNTS):
            told[field] = int(float(text))
        else:
            told[field] = float(text) if field.startswith(FLOATS) else text
    return told


def _loss(row: Mapping[str, Any]) -> str:
    loss = row.get(f"log_loss_{row.get('champion', 'ensemble')}")
    return "-" if loss is None else f"{loss:.3f}"


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name} {', '.join(_words(each))}" for name, each in value.items()]
    if isinstance(value, list):
        return [f"{name} {size:,} B" for name, size in value]
    return [f"{value:.4g}" if isinstance(value, float) else str(value)]


def _table_of(versions: tuple[Version, ...], served: int, pinned: bool) -> Table:
    table = Table("version", "saved", "lessons", "log-loss", "", title="versions that are kept")
    for version in versions:
        mark = ("pinned" if pinned else "served") if version.version == served else ""
        table.add_row(str(version.version), moment(version.saved_at_ms), f"{version.lessons:,}", _loss(version.scores), mark)
    return table
