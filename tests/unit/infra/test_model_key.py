"""The key of models: given, in a file, or the known default; what cannot be read is an error that names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.model_key import DEFAULT, has_own_key, model_key
from infra.settings import Settings, SettingsError


def test_a_key_comes_from_the_setting_or_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "model.key"
    file.write_bytes(b"  secret\n")
    for settings in (Settings(model_key="secret"), Settings(model_key_file=str(file))):
        assert model_key(settings) == b"secret" and has_own_key(settings)


def test_without_one_a_known_default_signs() -> None:
    assert model_key(Settings()) == DEFAULT.encode() and not has_own_key(Settings())


def test_a_key_is_never_shown() -> None:
    assert Settings(model_key="secret").shown()["model_key"] == "***"


def test_a_key_that_cannot_be_had_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b" \n")
    for settings in (
        Settings(model_key_file=str(tmp_path / "nowhere")),
        Settings(model_key_file=str(tmp_path)),
        Settings(model_key_file=str(empty)),
        Settings(model_key="secret", model_key_file=str(empty)),
    ):
        with pytest.raises(SettingsError, match="SEGUE_MODEL_KEY_FILE"):
            model_key(settings)
