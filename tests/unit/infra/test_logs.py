"""Logs: JSON lines without payloads and passwords."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from infra import logs
from infra.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(Settings.from_env({"SEGUE_LOG_LEVEL": level}), role="plays", stream=stream)
    return stream


def test_a_line_is_one_json_object_with_its_origin() -> None:
    stream = configured()
    logs.get("streams.rounds").info("claimed", partition=3)
    (line,) = lines(stream)
    assert line["at"].endswith("Z")
    assert {k: line[k] for k in ("event", "level", "module", "role", "namespace", "partition")} == {
        "event": "claimed",
        "level": "info",
        "module": "streams.rounds",
        "role": "plays",
        "namespace": "segue",
        "partition": 3,
    }


def test_payloads_are_withheld_at_info_and_the_line_says_so() -> None:
    stream = configured("debug")
    log = logs.get("streams.intake")
    log.info("rejected", reason="json", value=b'{"user_id": "ana"', user_id="ana", offset=7)
    log.debug("rejected", user_id="ana")
    above, below = lines(stream)
    assert "ana" not in json.dumps(above)
    assert above["withheld"] == ["user_id", "value"]
    assert above["offset"] == 7
    assert below["user_id"] == "ana"


def test_passwords_in_addresses_are_hidden_at_every_level() -> None:
    stream = configured("debug")
    logs.get("infra.store").debug("waiting", why="no answer from redis://ana:secret@db:6379/0 yet")
    assert lines(stream)[0]["why"] == "no answer from redis://***@db:6379/0 yet"


def test_lines_below_the_level_are_not_written() -> None:
    stream = configured("warning")
    logs.get("x").info("quiet")
    assert lines(stream) == []


def test_an_exception_is_part_of_its_line() -> None:
    stream = configured()
    try:
        raise ValueError("no such row")
    except ValueError:
        logs.get("x").exception("our bug")
    (line,) = lines(stream)
    assert "ValueError: no such row" in line["exception"]


def test_libraries_write_the_same_form_from_warning_up() -> None:
    stream = configured()
    library = logging.getLogger("aiokafka.consumer")
    library.info("fetching")
    library.warning("broker %s is gone", "b1")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["module"], line["role"]) == ("broker b1 is gone", "warning", "aiokafka.consumer", "plays")


def test_lines_of_a_librarys_own_thread_tell_their_origin_too() -> None:
    stream = configured()
    thread = threading.Thread(target=logging.getLogger("aiokafka").error, args=("no coordinator",))
    thread.start()
    thread.join()
    assert lines(stream)[0]["role"] == "plays"
