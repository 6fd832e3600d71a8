"""What an operator may set, read from the environment in this one place.

Every field of `Settings` is the variable `SEGUE_<FIELD>`; a wrong or an unknown one is an error that names it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PREFIX = "SEGUE_"

Port = Annotated[int, Meta(ge=0, le=65535)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Faded = Annotated[float, Meta(ge=0.0, le=0.9)]
LogLevel = Literal["debug", "info", "warning", "error"]

NAMESPACE_PATTERN = r"^[a-z][a-z0-9-]{0,31}\Z"
"""Starts topics, groups, Redis keys and metric labels: no dot (our separator), no underscore (Kafka lets `.` and `_` collide)."""

SECRET_FIELDS = ("id_key", "model_key")


class SettingsError(ValueError):
    """A variable cannot be used; the message names it and says what would do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a process. Build it with `from_env`: a Struct's own constructor checks nothing."""

    namespace: Annotated[str, Meta(pattern=NAMESPACE_PATTERN)] = "segue"
    """First part of every topic, group and key."""
    kafka: Annotated[str, Meta(pattern=r"^[^\s,/]+:\d+(,[^\s,/]+:\d+)*\Z")] = "127.0.0.1:9092"
    """Bootstrap servers, host:port, separated by commas."""
    redis: Annotated[str, Meta(pattern=r"^(rediss?(\+cluster)?|unix)://")] = "redis://127.0.0.1:6379/0"
    """Address of Redis as a URL."""
    kafka_replication: Annotated[int, Meta(ge=1, le=9)] = 1
    """Replication factor of topics that `segue topics apply` creates."""
    events_retention_h: Annotated[int, Meta(ge=1, le=24 * 3650)] = 24 * 30
    """How long events stay; deltas and lessons stay a day longer. A worker away for longer meets a gap."""
    events_partitions: Annotated[int, Meta(ge=1, le=1024)] = 8
    """Partitions of events, recommendations, dead letters and answers; fixed for the life of a namespace."""
    deltas_partitions: Annotated[int, Meta(ge=1, le=1024)] = 8
    """Partitions of the internal track deltas; fixed for the life of a namespace."""
    catalogue_partitions: Annotated[int, Meta(ge=1, le=1024)] = 1
    """Partitions of the catalogue; each cleans by what it has seen itself, so one knows most. Fixed for the life of a namespace."""
    lessons_partitions: Annotated[int, Meta(ge=1, le=1024)] = 8
    """Partitions of the internal lessons, one per model."""
    round_plays_max: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    """Most records that one round takes from all its partitions."""
    preset: Literal["fast", "quality"] = "fast"
    """How much the ranker keeps and reads per track; the same in every worker of a namespace."""
    explore_share: Share = 0.05
    """Chance that a place of `discover` is given to a track drawn from the candidates that were not listed; 0 = off."""
    new_releases: bool = True
    """Whether tracks of the catalogue that hardly anybody played join those that a place of `discover` explores, near what is heard."""
    taste: bool = True
    """Whether the ranker sees the share that a track's genre and micro-genre have in what the user hears, where there is a catalogue."""
    drift: bool = True
    """Whether the ranker's steps become large again for a while where its live hit rate falls."""
    artist_max: Annotated[int, Meta(ge=0, le=100)] = 2
    """Tracks of one artist in `discover`, where plays say who made a track; 0 = any number."""
    artist_max_next: Annotated[int, Meta(ge=0, le=100)] = 0
    """Tracks of one artist in `next`, as above; 0 = any number."""
    fatigue: Faded = 0.1
    """Part of its chance that a track at the top of `discover` loses each time the user passes it over, for a while; 0 = off."""
    fatigue_next: Faded = 0.0
    """The same in `next`."""
    user_rows_max: Annotated[int, Meta(ge=16)] = 32_768
    """User rows that a worker keeps in memory: 2.7 KB each."""
    track_rows_max: Annotated[int, Meta(ge=16)] = 24_576
    """Track rows, artists' and albums' among them, that a worker keeps in memory: 3.5 KB each with `fast`, 7.5 KB with `quality`."""
    metrics_port: Port = 9464
    """Port of /metrics and /health; 0 switches the server off."""
    metrics_host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    """Address that the metrics server binds; nothing outside the machine sees it by default."""
    id_key: Annotated[str, Meta(min_length=1, max_length=64)] = "segue"
    """Key of the 64-bit hashes of ids; the same in every process of a namespace, never changed."""
    model_key: Annotated[str, Meta(max_length=1024)] = ""
    """Signs the snapshots of models (HMAC-SHA256), the same in all models workers: only what it signed is gone on from. Without one a
    known default signs, which tells damage from a whole snapshot and nothing more."""
    model_key_file: Annotated[str, Meta(max_length=4096)] = ""
    """File that holds the key of models instead, without the white space around it."""
    session_timeout_ms: Annotated[int, Meta(ge=1_000, le=300_000)] = 6_000
    """Silence after which Kafka gives a worker's partitions to another."""
    heartbeat_ms: Annotated[int, Meta(ge=100, le=60_000)] = 1_000
    """Time between two heartbeats; at most a third of the session timeout."""
    fetch_wait_ms: Annotated[int, Meta(ge=1, le=5_000)] = 25
    """How long the broker gathers records before it answers a fetch: shorter is a little faster, and costs more CPU per play."""
    worker_id: Annotated[str, Meta(max_length=128, pattern=r"^[A-Za-z0-9._-]*\Z")] = ""
    """Static member id: a worker that comes back under it gets its partitions without a rebalance; "" = dynamic."""
    log_level: LogLevel = "info"
    """Least severe line that is written."""
    lessons_rate: Share = 1.0
    """Share of plays that become lessons, decided by the hash of the event id."""
    listening_rate: Share = 1.0
    """Share of users whose plays teach play counts and segments, decided by the keyed hash of the user's id."""
    accept_gap: bool = False
    """Go on behind records that retention deleted before they were read; each gap is logged."""
    data_dir: Annotated[str, Meta(min_length=1)] = ".segue"
    """Where local services keep their data."""
    fail_points: str = ""
    """Comma-separated names of places where the process ends itself; only for fault tests."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `SEGUE_*` variables (of the process when `environ` is None).

        Raises SettingsError, which names the variable.

        >>> Settings.from_env({"SEGUE_NAMESPACE": "night"}).namespace
        'night'
        """
        found = {name[len(PREFIX) :].lower(): text for name, text in _environment(environ).items() if name.startswith(PREFIX)}
        for field in found:
            if field not in cls.__struct_fields__:
                raise SettingsError(_unknown(field))
        try:
            settings = msgspec.convert(found, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(_invalid(str(error))) from None
        if settings.heartbeat_ms * 3 > settings.session_timeout_ms:
            raise SettingsError(
                f"{PREFIX}HEARTBEAT_MS={settings.heartbeat_ms} is more than a third of "
                f"{PREFIX}SESSION_TIMEOUT_MS={settings.session_timeout_ms}: lower the first or raise the second"
            )
        return settings

    def to_env(self) -> dict[str, str]:
        """The variables that make a child process see these settings.

        >>> Settings.from_env(Settings(namespace="night").to_env()).namespace
        'night'
        """
        return {PREFIX + field.upper(): _spell(getattr(self, field)) for field in self.__struct_fields__}

    def shown(self) -> dict[str, object]:
        """All settings for people and logs; secrets and passwords are hidden."""
        values = {field: getattr(self, field) for field in self.__struct_fields__}
        values.update({field: "***" for field in SECRET_FIELDS})
        values["redis"] = without_password(self.redis)
        return values


def without_password(url: str) -> str:
    """`url` with its password hidden.

    >>> without_password("redis://ana:secret@db:6379/0")
    'redis://***@db:6379/0'
    """
    scheme, mark, rest = url.partition("://")
    _, at, address = rest.rpartition("@")
    return f"{scheme}{mark}***@{address}" if at else url


def given_addresses(environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """(kafka, redis) when both are given by the environment, None when neither is.

    Raises SettingsError when only one is given: half a set of services would be a surprise.
    """
    found = _environment(environ)
    kafka, redis = found.get(f"{PREFIX}KAFKA"), found.get(f"{PREFIX}REDIS")
    if kafka and redis:
        return kafka, redis
    if kafka or redis:
        missing, given = ("REDIS", "KAFKA") if kafka else ("KAFKA", "REDIS")
        raise SettingsError(f"{PREFIX}{given} is set but {PREFIX}{missing} is not: set both, or neither to have both started for you")
    return None


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The process's environment with `changes`, for a child process."""
    return {**os.environ, **changes}


def _environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def _spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(field: str) -> str:
    near = difflib.get_close_matches(field, Settings.__struct_fields__, n=1)
    hint = f"did you mean {PREFIX}{near[0].upper()}?" if near else f"known: {', '.join(sorted(Settings.__struct_fields__))}"
    return f"{PREFIX}{field.upper()} is not a setting; {hint}"


def _invalid(message: str) -> str:
    """msgspec's words with the path `$.field` spelled as the variable.

    >>> _invalid("Expected `int` <= 65535 - at `$.metrics_port`")
    'SEGUE_METRICS_PORT: Expected `int` <= 65535'
    """
    reason, mark, path = message.rpartition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').upper()}: {reason}" if mark else message
