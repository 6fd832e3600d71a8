"""Which Segue a command talks to: options, else the environment, else a running `segue up`, else the defaults."""

from __future__ import annotations

from pathlib import Path

import typer

from console import run_state
from console.trouble import Exit, Trouble
from infra.settings import PREFIX, Settings, SettingsError, child_environment

DATA_DIR = ".segue"


def remember(context: typer.Context, *, namespace: str | None, kafka: str | None, redis: str | None) -> None:
    """Keeps the options that stand before the command, for `settings_of`."""
    given = {"NAMESPACE": namespace, "KAFKA": kafka, "REDIS": redis}
    context.obj = {PREFIX + name: text for name, text in given.items() if text}


def settings_of(context: typer.Context) -> Settings:
    """The settings of this command.

    A run file is believed only where neither Kafka nor Redis is given: a mixture of two installations
    would read one's state beside the other's events.

    Raises
    ------
    Trouble : a variable or an option cannot be used (exit 2); a damaged run file (exit 3)
    """
    found = {**child_environment({}), **(context.obj or {})}
    if PREFIX + "KAFKA" not in found and PREFIX + "REDIS" not in found:
        state = run_state.read(data_dir(found))
        if state is not None:
            found = {
                PREFIX + "NAMESPACE": state.namespace,
                **found,
                PREFIX + "KAFKA": state.kafka,
                PREFIX + "REDIS": state.redis,
            }
    try:
        return Settings.from_env(found)
    except SettingsError as error:
        raise Trouble(Exit.USAGE, str(error), f"env | grep {PREFIX}") from error


def data_dir(environ: dict[str, str]) -> Path:
    """The folder of the run file and of checkpoints, before any setting is checked."""
    return Path(environ.get(PREFIX + "DATA_DIR", DATA_DIR))
