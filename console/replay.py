"""Replays a play log into Kafka: in order, resumable, and counted once however often it is sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from console.cursors import Counts, counts, drain
from console.kafka_door import Delivered, Sender, end_offsets, metadata
from console.measures import by_day, since
from console.play_log import PlayLog
from console.progress import Steps
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra.settings import Settings

SAVE_EVERY_S = 1.0
PACE_S = 0.005


class Checkpoint(msgspec.Struct, forbid_unknown_fields=True):
    """Where an interrupted replay goes on; kept beside the data, one per file and namespace."""

    source: str
    namespace: str
    cluster: str
    mapping: dict[str, str]
    row: int = 0
    """Every row up to here is acknowledged."""
    finished: bool = False
    before: Counts = Counts()
    """What the workers had counted when the replay began."""
    offsets: dict[int, int] = {}
    """Largest acknowledged offset per partition: a log that ends below it is another log."""


class Replay:
    """One replay of one file.

    Parameters
    ----------
    folder : where the checkpoint lies
    restart : begin at row 1 whatever the checkpoint says
    """

    def __init__(self, settings: Settings, log: PlayLog, folder: Path, *, restart: bool = False) -> None:
        self.settings, self.log = settings, log
        self.topic = f"{settings.namespace}.events"
        self.path = folder / f"{log.source[:32]}-{settings.namespace}.json"
        self.state = State(settings)
        self.ends = end_offsets(settings, self.topic)
        self.checkpoint = self._checkpoint(restart)
        self.resumed_at = self.checkpoint.row
        self._ahead: set[int] = set()

    def send(self, *, rate: float = 0.0, stop_after: int = 0) -> int:
        """Sends the rows that are not acknowledged yet; returns how many.

        The checkpoint is also written when this is interrupted.

        Parameters
        ----------
        rate : plays per second, 0 = as fast as the broker takes them
        stop_after : stop after so many plays (0 = all), as if interrupted
        """
        sender = Sender(self.settings, linger_ms=20)
        begun_s = saved_s = time.monotonic()
        first, n = self.checkpoint.row, 0
        try:
            with Steps("rows sent", self.log.n_rows) as steps:
                for play in self.log.plays(after_row=first):
                    if rate > 0:
                        self._pace(sender, begun_s + n / rate)
                    sender.send(self.topic, play.user_id, play.value, then=self._acknowledgement(play.row))
                    n += 1
                    steps.show(play.row)
                    if time.monotonic() - saved_s > SAVE_EVERY_S:
                        saved_s = time.monotonic()
                        self._save()
                    if n == stop_after:
                        break
                sender.flush()
            self.checkpoint.finished = self.checkpoint.row == self.log.n_rows
        finally:
            sender.drop()
            self._save()
        return n

    def wait(self) -> None:
        """Until the workers have applied every row that was sent, and the deltas of it."""
        ends = [self.checkpoint.offsets.get(p, -1) + 1 for p in range(len(self.ends))]
        with Steps("records applied", sum(ends)) as steps:
            drain(self.state, lambda left: steps.show(sum(ends) - left), event_ends=ends)

    def report(self, report_from: int) -> dict[str, Any]:
        """What became of the rows, and the quality over whole days.

        Parameters
        ----------
        report_from : 0 = all days, else from the first day that starts at or after this row's time
        """
        n_partitions = len(self.ends)
        happened = counts(self.state, n_partitions).minus(self.checkpoint.before)
        day, row = self.log.day_from(report_from) if report_from else ("", 1)
        return {
            **happened._asdict(),
            "quality": {"from_day": day or None, "from_row": row, **since(by_day(self.state, n_partitions), day).rates()},
        }

    def _checkpoint(self, restart: bool) -> Checkpoint:
        cluster = str(metadata(self.settings).cluster_id)
        mapping = {field: str(source) for field, source in self.log.mapping.items()}
        old = None if restart else self._load()
        if old is not None and not old.finished and old.cluster == cluster and self._same_log(old):
            if old.mapping != mapping:
                raise Trouble(
                    Exit.REFUSED,
                    f"this file was begun with the columns {old.mapping}, not {mapping}: rows would have other numbers",
                    f"segue replay {self.log.path} --restart",
                )
            return old
        return Checkpoint(self.log.source, self.settings.namespace, cluster, mapping, before=counts(self.state, len(self.ends)))

    def _load(self) -> Checkpoint | None:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Trouble(
                Exit.INVALID, f"the checkpoint {self.path} cannot be read: {error}", f"segue replay {self.log.path} --restart"
            ) from error

    def _same_log(self, old: Checkpoint) -> bool:
        return all(p < len(self.ends) and offset < self.ends[p] for p, offset in old.offsets.items())

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self.checkpoint))
        fresh.replace(self.path)

    def _acknowledgement(self, row: int) -> Any:
        """Called when `row` is on the log; partitions answer in any order, so the row only moves over a closed front."""

        def acknowledged(at: Delivered) -> None:
            checkpoint = self.checkpoint
            checkpoint.offsets[at.partition] = max(at.offset, checkpoint.offsets.get(at.partition, -1))
            self._ahead.add(row)
            while checkpoint.row + 1 in self._ahead:
                checkpoint.row += 1
                self._ahead.discard(checkpoint.row)

        return acknowledged

    @staticmethod
    def _pace(sender: Sender, due_s: float) -> None:
        while (wait_s := due_s - time.monotonic()) > 0:
            sender.poll(min(wait_s, PACE_S))
