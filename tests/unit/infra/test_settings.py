"""Settings: read from the environment, checked, and errors that name the variable."""

from __future__ import annotations

import pytest

from infra import settings_doc
from infra.settings import Settings, SettingsError, given_addresses


def test_the_document_is_what_the_fields_generate() -> None:
    assert settings_doc.DOCUMENT.read_text() == settings_doc.document(), "stale: run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    assert settings_doc.meanings().keys() == set(Settings.__struct_fields__)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_other_variables_are_none_of_our_business() -> None:
    assert Settings.from_env({"PATH": "/bin", "KAFKA": "x"}) == Settings()


def test_every_field_survives_the_way_to_a_child_process() -> None:
    settings = Settings(namespace="night", kafka="a:1,b:2", redis="redis://:pw@r:6380/1", accept_gap=True, lessons_rate=0.25, id_key="s")
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SEGUE_NAMESPACE", "two words"),
        ("SEGUE_NAMESPACE", "under_score"),
        ("SEGUE_NAMESPACE", "night\n"),
        ("SEGUE_NAMESPACE", ""),
        ("SEGUE_KAFKA", "broker-without-port"),
        ("SEGUE_REDIS", "localhost:6379"),
        ("SEGUE_METRICS_PORT", "65536"),
        ("SEGUE_METRICS_PORT", "-1"),
        ("SEGUE_EVENTS_PARTITIONS", "0"),
        ("SEGUE_EVENTS_PARTITIONS", "eight"),
        ("SEGUE_LESSONS_RATE", "1.5"),
        ("SEGUE_LESSONS_RATE", "nan"),
        ("SEGUE_ACCEPT_GAP", "perhaps"),
        ("SEGUE_LOG_LEVEL", "loud"),
        ("SEGUE_ID_KEY", ""),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: "):
        Settings.from_env({name: text})


def test_an_unknown_variable_is_an_error_that_names_its_nearest_relative() -> None:
    with pytest.raises(SettingsError, match="SEGUE_METRICS_PROT is not a setting; did you mean SEGUE_METRICS_PORT"):
        Settings.from_env({"SEGUE_METRICS_PROT": "9464"})


def test_a_heartbeat_that_is_too_slow_for_the_session_is_refused() -> None:
    with pytest.raises(SettingsError, match="SEGUE_HEARTBEAT_MS=4000 .* SEGUE_SESSION_TIMEOUT_MS=6000"):
        Settings.from_env({"SEGUE_HEARTBEAT_MS": "4000"})


def test_secrets_and_passwords_are_not_shown() -> None:
    shown = str(Settings(id_key="hush", redis="redis://ana:secret@db:6379/0").shown())
    assert "hush" not in shown
    assert "secret" not in shown
    assert "db:6379" in shown


def test_both_addresses_or_none() -> None:
    assert given_addresses({}) is None
    assert given_addresses({"SEGUE_KAFKA": "k:9092", "SEGUE_REDIS": "redis://r"}) == ("k:9092", "redis://r")
    with pytest.raises(SettingsError, match="SEGUE_REDIS is not"):
        given_addresses({"SEGUE_KAFKA": "k:9092"})
    with pytest.raises(SettingsError, match="SEGUE_KAFKA is not"):
        given_addresses({"SEGUE_REDIS": "redis://r"})
