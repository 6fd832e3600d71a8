"""The key that signs the snapshots of models: a setting, or a file as secret stores mount it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from infra.settings import PREFIX, Settings, SettingsError

DEFAULT: Final = "segue-without-a-key"
"""Known to everybody: a snapshot signed with it is whole, and says nothing of who wrote it."""


def model_key(settings: Settings) -> bytes:
    """The key in force.

    Raises SettingsError when both settings are given, or when the file cannot be read or is empty.

    >>> model_key(Settings(model_key="secret"))
    b'secret'
    """
    if settings.model_key and settings.model_key_file:
        raise SettingsError(f"{PREFIX}MODEL_KEY and {PREFIX}MODEL_KEY_FILE are both set: keep one")
    if not settings.model_key_file:
        return (settings.model_key or DEFAULT).encode()
    try:
        found = Path(settings.model_key_file).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{PREFIX}MODEL_KEY_FILE={settings.model_key_file}: {error.strerror}") from error
    if not found:
        raise SettingsError(f"{PREFIX}MODEL_KEY_FILE={settings.model_key_file} is empty: write a key into it")
    return found


def has_own_key(settings: Settings) -> bool:
    """Is a key given, or does the known default sign?"""
    return bool(settings.model_key or settings.model_key_file)
