"""The command with real workers behind it: lists, replays counted once, the demo, and no process left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import redis
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from console.cli import app
from console.site import Workers
from console.trouble import Exit
from infra import topics
from infra.services import Addresses
from infra.settings import Settings, child_environment
from online_models.registry import MODELS

LOG = "user,track,ts,playtime\n" + "".join(f"u{n % 5},t{n // 5 % 20},{1_421_748_000 + 60 * n},200\n" for n in range(2_000))
LONG = "user,track,ts,playtime,duration_ms\n" + "".join(
    f"v{n % 5},t{n // 5 % 20},{1_421_748_000 + 60 * n},{(40, 200)[n % 3 > 0]},200000\n" for n in range(600)
)
"""Tracks of known length: whether they were heard out is a lesson."""
COME_S = 30.0


@pytest.fixture(scope="module")
def live(services: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A namespace with one plays worker and one models worker."""
    folder = tmp_path_factory.mktemp("live")
    settings = msgspec.structs.replace(
        Settings(), namespace=f"t-live-{os.getpid()}", kafka=services.kafka, redis=services.redis, data_dir=str(folder), metrics_port=0
    )
    topics.apply(settings)
    with Workers(settings, folder / "logs", {"plays": 1, "models": 1}) as workers:
        workers.wait_ready()
        yield settings
        workers.check()


@pytest.fixture
def segue(live: Settings) -> Callable[..., Any]:
    """Runs a command and returns its one JSON object."""
    options = ["--kafka", live.kafka, "--redis", live.redis, "--namespace", live.namespace]

    def run(*arguments: str) -> Any:
        result = CliRunner(env={"SEGUE_DATA_DIR": live.data_dir}).invoke(app, [*options, *arguments, "--json"])
        assert result.exit_code == Exit.OK, result.output
        return json.loads(result.stdout)

    return run


def _until(condition: Callable[[], bool], within_s: float = COME_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {within_s} s"
        time.sleep(0.1)


def test_a_play_by_hand_becomes_a_list_and_can_be_looked_at_everywhere(live: Settings, segue: Callable[..., Any]) -> None:
    for track in ("t1", "t2", "t3", "t1"):
        sent = segue("send", "--user", "ana", "--track", track, "--session", "s1", "--ms-played", "200000")["sent"][0]
    client = redis.Redis.from_url(live.redis)
    key = segue("where", "ana")["user"]["key"]
    _until(lambda: sent["event_id"].encode() in (client.hget(key, "list") or b""))
    shown = segue("recommend", "ana")
    assert shown["cause"] == {"event_id": sent["event_id"], "partition": sent["partition"], "offset": sent["offset"]}
    assert shown["next"][0]["track_id"] == "t2"
    user = segue("user", "ana")
    assert (user["plays"], user["last_track"], user["key"]) == (4, "t1", key)
    _until(lambda: bool(segue("where", "t1")["track"]["exists"]))
    _until(lambda: segue("track", "t1")["plays"] == 2)
    _until(lambda: segue("recommend", "nobody")["next"][:1] == [{"track_id": "t1", "score": 1.0, "source": "popular", "because": []}])
    ranker = segue("ranker", "show")
    assert ranker["key"].startswith(f"{live.namespace}:{{u") and 0 <= ranker["lessons"] <= 3
    for stage, one in (("stage_1", "next"), ("stage_2", "mixture")):
        assert len(ranker[stage][one]) == len(ranker["contexts"][stage]) > 10
    # An empty list is no test: whether the first ones were empty depends on how soon the tracks were known.
    assert 1 <= segue("quality")["total"]["plays"] <= 3
    client.close()


def test_a_replay_is_counted_once_however_often_and_in_however_many_parts_it_is_sent(tmp_path: Path, segue: Callable[..., Any]) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    first = segue("replay", str(path), "--stop-after", "700")
    went_on = segue("replay", str(path), "--wait")
    assert (first["sent"], went_on["resumed_at"], went_on["sent"]) == (700, 700, 1_300)
    assert (went_on["applied"], went_on["duplicate"], went_on["rejected"]) == (2_000, 0, 0)
    again = segue("replay", str(path), "--wait", "--report-from", "600")
    assert (again["applied"], again["duplicate"]) == (0, 2_000)
    assert again["quality"]["from_day"] == "2015-01-21"
    assert again["quality"]["hr20"] > again["quality"]["popularity_mrr20"]


def _lists_by(segue: Callable[..., Any]) -> int | None:
    """Version of the finish model behind a list that is made now."""
    sent = segue("send", "--user", "ana", "--track", "t1", "--session", "s2", "--ms-played", "200000", "--duration-ms", "200000")["sent"][0]
    _until(lambda: segue("recommend", "ana")["cause"]["event_id"] == sent["event_id"])
    found: int | None = segue("recommend", "ana")["model"]["finish"]
    return found


def test_an_older_version_of_a_model_is_served_until_it_is_let_go(tmp_path: Path, live: Settings, segue: Callable[..., Any]) -> None:
    (tmp_path / "long.csv").write_text(LONG)
    assert segue("replay", str(tmp_path / "long.csv"), "--wait")["rejected"] == 0
    _until(lambda: segue("model", "list")["models"][0].get("version", 0) >= 3)
    rows = {row["model"]: row for row in segue("model", "list")["models"]}
    assert rows.keys() == {entry.name for entry in MODELS} and "version" not in rows["genre"]
    shown = segue("model", "show", "finish")
    assert shown["served"] == shown["version"] and shown["pinned"] == 0
    assert shown["lessons_taken"]["applied"] == shown["lessons"] > 100
    past = segue("model", "history", "finish")
    oldest = past["versions"][0]["version"]
    assert [version["version"] for version in past["versions"]][-1] == shown["version"] > oldest

    assert segue("model", "rollback", "finish", str(oldest)) == {"model": "finish", "served": oldest, "pinned": oldest}
    _until(lambda: _lists_by(segue) == oldest)
    assert segue("model", "unpin", "finish")["pinned"] == 0
    _until(lambda: _lists_by(segue) == segue("model", "show", "finish")["version"])
    decisions = segue("model", "history", "finish")["decisions"]
    assert [(d["decision"], d["detail"]["to"]) for d in decisions[-2:]] == [
        ("rollback", oldest),
        ("unpinned", decisions[-1]["detail"]["to"]),
    ]

    assert segue("model", "history", "ranker") == {"model": "ranker", "served": 0, "pinned": 0, "versions": [], "decisions": []}

    options = ["--kafka", live.kafka, "--redis", live.redis, "--namespace", live.namespace]
    for arguments in (("pin", "finish", "99999"), ("unpin", "finish"), ("show", "nothing"), ("show", "genre")):
        refused = CliRunner(env={"SEGUE_DATA_DIR": live.data_dir}).invoke(app, [*options, "model", *arguments, "--json"])
        assert refused.exit_code in (Exit.INVALID, Exit.USAGE, Exit.FAILURE)
        assert json.loads(refused.stdout)["error"]["next"].startswith("segue ")
    for plain in (("list",), ("show", "finish"), ("history", "finish")):
        assert CliRunner(env={"SEGUE_DATA_DIR": live.data_dir}).invoke(app, [*options, "model", *plain]).exit_code == Exit.OK


def test_an_audit_of_all_that_finds_nothing(segue: Callable[..., Any]) -> None:
    report = segue("audit")
    assert (report["ok"], report["lost"], report["double"]) == (True, 0, 0)


def test_a_rebuild_waits_until_nobody_works_and_then_the_workers_make_the_same_users_again(services: Addresses, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(
        Settings(), namespace=f"t-again-{os.getpid()}", kafka=services.kafka, redis=services.redis, data_dir=str(tmp_path), metrics_port=0
    )
    topics.apply(settings)
    (tmp_path / "log.csv").write_text(LOG)
    options = ["--kafka", settings.kafka, "--redis", settings.redis, "--namespace", settings.namespace]
    runner = CliRunner(env={"SEGUE_DATA_DIR": str(tmp_path)})

    def ask(*arguments: str) -> tuple[int, Any]:
        result = runner.invoke(app, [*options, *arguments, "--json"])
        return result.exit_code, json.loads(result.stdout)

    with Workers(settings, tmp_path / "logs", {"plays": 1}) as workers:
        workers.wait_ready()
        ask("replay", str(tmp_path / "log.csv"), "--wait")
        code, refused = ask("rebuild", "--yes")
        assert (code, refused["error"]["code"]) == (Exit.REFUSED, Exit.REFUSED)
        users = [ask("user", f"u{n}") for n in range(5)]
    _until(lambda: "--yes" in ask("rebuild")[1]["error"]["next"])
    assert ask("rebuild", "--yes")[1]["deleted"] > 25
    assert ask("user", "u0")[0] == Exit.FAILURE
    with Workers(settings, tmp_path / "logs", {"plays": 1}) as workers:
        workers.wait_ready()
        _until(lambda: ask("audit")[0] == Exit.OK, within_s=60)
        again = [ask("user", f"u{n}") for n in range(5)]
    assert [about["plays"] for _, about in again] == [400] * 5
    assert [{**about, "next": [], "discover": []} for _, about in again] == [{**about, "next": [], "discover": []} for _, about in users]


def _start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in child_environment({}).items() if not name.startswith("SEGUE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "console", *arguments],
        env={**clean, "SEGUE_DATA_DIR": str(folder), "SEGUE_METRICS_PORT": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=(folder / "stderr").open("w"),
        text=True,
    )


def _of(folder: Path) -> list[str]:
    """Command lines of live processes that belong to `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) or process.environ().get("SEGUE_DATA_DIR", "").startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _said(folder: Path, words: str) -> Callable[[], bool]:
    return lambda: words in (folder / "stderr").read_text()


EFFECT = re.compile(r"([1-9]\d*)->(gone|[1-9]\d*),\d+ms")


def test_a_demo_ends_by_itself_with_its_line_and_sweeps_what_is_not_its_own(services: Addresses, tmp_path: Path) -> None:
    demo = _start(tmp_path, "demo", "--seconds", "12", SEGUE_KAFKA=services.kafka, SEGUE_REDIS=services.redis)
    out, _ = demo.communicate(timeout=200)
    assert demo.returncode == Exit.OK, (tmp_path / "stderr").read_text()
    last = out.strip().splitlines()[-1]
    assert last.startswith("demo ok plays=")
    figures = dict(part.split("=") for part in last.split()[2:])
    assert (figures["lost"], figures["double"]) == ("0", "0")
    assert float(figures["hr20"]) >= 2 * float(figures["popularity_hr20"]) > 0
    assert float(figures["markov_hr20"]) > float(figures["popularity_hr20"])
    skip, block = EFFECT.fullmatch(figures["skip_effect"]), EFFECT.fullmatch(figures["block_effect"])
    assert skip is not None and (skip[2] == "gone" or int(skip[2]) > int(skip[1]))
    assert block is not None and block[2] == "gone"
    words = (tmp_path / "stderr").read_text()
    tested = re.search(r"Segue was tested on ([\d,]+) plays, Markov on ([\d,]+)$", words, re.MULTILINE)
    assert tested is not None and tested[1] == tested[2] != "0"
    held = re.search(r"^(\d+) of (\d+) lists of \S+ after the block hold ", words, re.MULTILINE)
    assert held is not None and int(held[1]) == 0 < int(held[2])
    assert re.search(r"^ +\S+-\d+ leans to [^;]*; .*next: 1 .* · .* \(\w+ ", words, re.MULTILINE)
    assert re.search(r"^\S+-\d+: leans to [\w ]+: \d+ of the last \d+ plays, \d+ of 20 listed; ", words, re.MULTILINE)
    assert re.search(r"^\S+-\d+: most played in [\w ]+: .* · ", words, re.MULTILINE)
    assert ", the demo's skip of " in words and ", the demo's block of " in words
    assert 0 < int(figures["lists"]) <= int(figures["plays"])
    assert _of(tmp_path) == []
    left = AdminClient({"bootstrap.servers": services.kafka}).list_topics(timeout=10).topics
    client = redis.Redis.from_url(services.redis)
    assert not [name for name in left if name.startswith("demo-")]
    assert list(client.scan_iter(match="demo-*")) == []
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_demo_on_local_processes_leaves_none_however_it_ends(number: signal.Signals, code: int, tmp_path: Path) -> None:
    demo = _start(tmp_path, "demo", "--rate", "100")
    try:
        _until(_said(tmp_path, "people start to listen"), within_s=180)
        time.sleep(2)
    finally:
        demo.send_signal(number)
    assert demo.wait(timeout=60) == code
    _until(lambda: _of(tmp_path) == [])
    if number != signal.SIGKILL:
        assert not list(tmp_path.rglob("run.json"))


@pytest.mark.slow
def test_up_is_found_by_the_other_commands_and_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    up = _start(tmp_path, "up")
    try:
        _until(lambda: (tmp_path / "run.json").exists() or up.poll() is not None, within_s=180)
        runner = CliRunner(env={"SEGUE_DATA_DIR": str(tmp_path)})
        sent = runner.invoke(app, ["send", "--user", "ana", "--track", "t42"])
        assert sent.exit_code == Exit.OK, sent.output
        _until(lambda: runner.invoke(app, ["recommend", "ana"]).exit_code == Exit.OK, within_s=120)
        second = runner.invoke(app, ["up"])
        assert (second.exit_code, f"kill {up.pid}" in second.stderr) == (Exit.REFUSED, True)
    finally:
        up.terminate()
    assert up.wait(timeout=60) == Exit.OK, (tmp_path / "stderr").read_text()
    _until(lambda: _of(tmp_path) == [])
    assert not (tmp_path / "run.json").exists()
