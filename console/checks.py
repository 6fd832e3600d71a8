"""What `segue doctor` looks at: one function per check, each with a way to mend what it finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal, NamedTuple

from packaging.requirements import Requirement

from console.catalogue_state import left, place_of
from console.commands.topics import asked
from console.decode import as_bytes
from console.kafka_door import end_offsets, group_members, metadata, records
from console.redis_door import State
from console.site import ROLES
from console.trouble import Exit, Trouble
from infra import topics
from infra.model_key import has_own_key, model_key
from infra.settings import Settings, SettingsError
from streams.partitioner import partition_of
from streams.ports import Clock

Status = Literal["PASS", "WARN", "FAIL"]

SAMPLED_EVENTS = 50
"""Events per partition whose place is checked: a producer with the wrong partitioner misplaces 7 of 8."""
CLOCK_WARN_MS, CLOCK_FAIL_MS = 1_000, 60_000
"""Workers compare `played_at` with the broker's append time, and allow 10 minutes."""
LAG_WARN = 10_000
REDIS_MIN = (6, 2)
"""Older ones lack commands of the fenced apply."""


class Finding(NamedTuple):
    """One line of the table; `fix` is a command or one sentence, "" where nothing is to be done."""

    name: str
    status: Status
    seen: str
    fix: str = ""
    unreachable: bool = False


class Visit:
    """What all checks need."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.state = State(settings)
        self.events = f"{settings.namespace}.events"


Check = Callable[[Visit], Iterator[Finding]]


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """All checks; one whose service is away is skipped, because another line says so already."""
    visit, found = Visit(settings, clock), [*versions(), *models_are_signed(settings)]
    for away, checks in ((kafka_answers, KAFKA_CHECKS), (redis_answers, REDIS_CHECKS)):
        first = list(away(visit))
        found += first
        if any(finding.unreachable for finding in first):
            continue
        for name, check in checks:
            try:
                found += check(visit)
            except Trouble as trouble:
                found.append(Finding(name, "FAIL", trouble.message, trouble.next_command, trouble.code == Exit.UNREACHABLE))
    return found


def versions() -> Iterator[Finding]:
    """Installed packages against those that Segue pins: some are used by private names."""
    try:
        pinned = [Requirement(text) for text in requires("segue") or [] if "extra" not in text]
    except PackageNotFoundError:
        yield Finding("packages", "WARN", "segue is not installed as a package", "make setup")
        return
    wrong = []
    for requirement in pinned:
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            there = "missing"
        if there == "missing" or there not in requirement.specifier:
            wrong.append(f"{requirement.name} {there} (pinned {requirement.specifier})")
    if wrong:
        yield Finding("packages", "FAIL", "; ".join(wrong), "make setup")
    else:
        yield Finding("packages", "PASS", f"{len(pinned)} as pinned, segue {version('segue')}")


def models_are_signed(settings: Settings) -> Iterator[Finding]:
    """Snapshots of models: whose signature do they carry?"""
    try:
        model_key(settings)
    except SettingsError as error:
        yield Finding("model key", "FAIL", str(error), "env | grep SEGUE_MODEL_KEY")
        return
    if has_own_key(settings):
        yield Finding("model key", "PASS", "snapshots of models are signed with a key of your own")
    else:
        fix = "head -c 32 /dev/urandom | base64 > model.key; export SEGUE_MODEL_KEY_FILE=$PWD/model.key"
        yield Finding("model key", "WARN", "no key: snapshots of models are signed with a known default, which notices damage only", fix)


def kafka_answers(visit: Visit) -> Iterator[Finding]:
    try:
        found = metadata(visit.settings)
    except Trouble as trouble:
        yield Finding("kafka", "FAIL", trouble.message, trouble.next_command, unreachable=True)
        return
    yield Finding("kafka", "PASS", f"{len(found.brokers)} broker(s) at {visit.settings.kafka}, cluster {found.cluster_id}")


def redis_answers(visit: Visit) -> Iterator[Finding]:
    try:
        found = visit.state.server("server")
    except Trouble as trouble:
        yield Finding("redis", "FAIL", trouble.message, trouble.next_command, unreachable=True)
        return
    there = str(found["redis_version"])
    if tuple(int(part) for part in there.split(".")[:2]) < REDIS_MIN:
        yield Finding("redis", "FAIL", f"version {there}", f"install Redis {'.'.join(map(str, REDIS_MIN))} or newer")
    else:
        yield Finding("redis", "PASS", f"version {there}")


def topics_as_declared(visit: Visit) -> Iterator[Finding]:
    changes = asked(topics.plan, visit.settings)
    if changes:
        seen = "; ".join(f"{change.kind} {change.topic} ({change.detail})" for change in changes[:4])
        yield Finding("topics", "FAIL", f"{len(changes)} to change: {seen}{' …' if len(changes) > 4 else ''}", "segue topics apply")
    else:
        yield Finding("topics", "PASS", f"{len(topics.table(visit.settings))} as declared")


def keys_where_murmur2_puts_them(visit: Visit) -> Iterator[Finding]:
    """Recent events of every partition: is the key's partition the one they lie on?"""
    n_partitions = len(end_offsets(visit.settings, visit.events))
    seen = misplaced = 0
    example = ""
    for message in records(visit.settings, visit.events, last=SAMPLED_EVENTS, follow=False):
        key = as_bytes(message.key())
        if not key:
            continue
        seen += 1
        if partition_of(key, n_partitions) != message.partition():
            misplaced += 1
            example = f"{key!r} lies on {message.partition()}, not on {partition_of(key, n_partitions)}"
    if not seen:
        yield Finding("partitioner", "WARN", "no events to look at", "segue send --user ana --track t42")
    elif misplaced:
        yield Finding(
            "partitioner",
            "FAIL",
            f"{misplaced} of {seen} recent events are on a wrong partition and were refused, {example}",
            "set partitioner=murmur2_random in that producer",
        )
    else:
        yield Finding("partitioner", "PASS", f"{seen} recent events lie where murmur2 puts them")


def workers_are_there(visit: Visit) -> Iterator[Finding]:
    """Members of the consumer groups; a worker that ends again and again comes and goes here."""
    for role in ROLES:
        if role in ("catalogue", "answers"):
            continue  # not everybody has one: see `catalogue_is_cleaned`, `questions_are_answered`
        group = f"{visit.settings.namespace}.{role}"
        members = group_members(visit.settings, group)
        status: Status = "PASS" if members else "WARN"
        yield Finding(f"{role} workers", status, f"{members} in group {group}", "" if members else f"segue worker {role}")


def nothing_is_evicted(visit: Visit) -> Iterator[Finding]:
    policy = str(visit.state.server("memory").get("maxmemory_policy", "unknown"))
    if policy == "noeviction":
        yield Finding("redis memory", "PASS", "maxmemory-policy noeviction")
    else:
        fix = "redis-cli CONFIG SET maxmemory-policy noeviction"
        yield Finding("redis memory", "FAIL", f"maxmemory-policy {policy}: Redis would drop rows and cursors", fix)


def writes_survive(visit: Visit) -> Iterator[Finding]:
    found = visit.state.server("persistence")
    if not int(found.get("aof_enabled", 0)):
        yield Finding("redis aof", "FAIL", "appendonly no: a restart loses state", "redis-cli CONFIG SET appendonly yes")
    elif found.get("aof_last_write_status", "ok") != "ok":
        yield Finding("redis aof", "FAIL", "the last write to the AOF failed", "df -h: make room where Redis keeps its data")
    else:
        yield Finding("redis aof", "PASS", "appendonly yes")


def clocks_agree(visit: Visit) -> Iterator[Finding]:
    """Our clock against Redis's, corrected by half the round trip."""
    begun_s = time.monotonic()
    theirs = visit.state.time_ms()
    half_trip_ms = (time.monotonic() - begun_s) * 500
    apart_ms = visit.clock.now_ms() - half_trip_ms - theirs
    status: Status = "PASS" if abs(apart_ms) < CLOCK_WARN_MS else "WARN" if abs(apart_ms) < CLOCK_FAIL_MS else "FAIL"
    fix = "" if status == "PASS" else "start a time service (chrony, systemd-timesyncd) on both machines"
    yield Finding("clock", status, f"{apart_ms:+.0f} ms against Redis", fix)


def partitions_agree(visit: Visit) -> Iterator[Finding]:
    """Partition counts never change within a namespace: those it was founded with against these settings."""
    (meta,) = visit.state.hashes([visit.state.keys.meta()])
    if not meta:
        yield Finding("namespace", "WARN", f"{visit.state.keys.meta()} is not there: no worker ran yet", "segue worker plays")
        return
    founded = {name: int(meta[name]) for name in ("events_partitions", "deltas_partitions") if name in meta}
    differ = [
        f"{name} {there}, settings {getattr(visit.settings, name)}"
        for name, there in founded.items()
        if there != getattr(visit.settings, name)
    ]
    if differ:
        yield Finding("namespace", "FAIL", f"founded with {'; '.join(differ)}", "env | grep SEGUE_")
    else:
        yield Finding("namespace", "PASS", f"incarnation {meta.get('incarnation', b'?').decode()}")


def events_are_applied(visit: Visit) -> Iterator[Finding]:
    """Cursors beside the ends of the events."""
    keys = visit.state.keys
    ends = end_offsets(visit.settings, visit.events)
    cursors = visit.state.hashes([keys.user_cursor(p) for p in range(len(ends))])
    left = [end - int(cursor.get("next", b"0")) for end, cursor in zip(ends, cursors, strict=True)]
    beyond = [p for p, each in enumerate(left) if each < 0]
    if beyond:
        yield Finding("lag", "FAIL", f"cursors of partitions {beyond} lie beyond the log: the topic is another one", "segue rebuild")
    elif sum(left) > LAG_WARN:
        yield Finding("lag", "WARN", f"{sum(left):,} events wait", "segue worker plays")
    else:
        yield Finding("lag", "PASS", f"{sum(left):,} events wait")


def catalogue_is_cleaned(visit: Visit) -> Iterator[Finding]:
    """Records of tracks and users that wait, and who would take them."""
    there = group_members(visit.settings, f"{visit.settings.namespace}.catalogue")
    for users in (False, True):
        place = place_of(visit.settings, users=users)
        n = left(visit.state, place, end_offsets(visit.settings, place.topic))
        waits = n > LAG_WARN or (n > 0 and not there)
        seen = f"{n:,} records wait, {there} workers"
        yield Finding(f"{place.what} to clean", "WARN" if waits else "PASS", seen, "segue worker catalogue" if waits else "")


def questions_are_answered(visit: Visit) -> Iterator[Finding]:
    """How far the answers workers are, where there ever was one."""
    keys, events = visit.state.keys, end_offsets(visit.settings, visit.events)
    cursors = visit.state.hashes([keys.answers_cursor(p) for p in range(len(events))])
    if not any(cursors):
        yield Finding("answers", "PASS", "no answers worker was ever started: radio events wait for one")
        return
    there = group_members(visit.settings, f"{visit.settings.namespace}.answers")
    n = sum(end - int(cursor.get("next", b"0")) for end, cursor in zip(events, cursors, strict=True))
    waits = n > LAG_WARN or not there
    seen = f"{n:,} events to look through for questions, {there} workers"
    yield Finding("answers", "WARN" if waits else "PASS", seen, "segue worker answers" if waits else "")


KAFKA_CHECKS: tuple[tuple[str, Check], ...] = (
    ("topics", topics_as_declared),
    ("partitioner", keys_where_murmur2_puts_them),
    ("workers", workers_are_there),
)
REDIS_CHECKS: tuple[tuple[str, Check], ...] = (
    ("redis memory", nothing_is_evicted),
    ("redis aof", writes_survive),
    ("clock", clocks_agree),
    ("namespace", partitions_agree),
    ("lag", events_are_applied),
    ("catalogue", catalogue_is_cleaned),
    ("answers", questions_are_answered),
)
