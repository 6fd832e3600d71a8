"""Taking a partition over: a fresh token, the cursor, and where to read from.

A claim kills the calls that an earlier owner still has under way (their token is old), so whoever
claimed last is the only writer, whatever Kafka believes.
"""

from __future__ import annotations

from collections.abc import Callable

from infra.fenced import Claimed
from infra.keys import Keys
from infra.settings import Settings
from streams.ports import TP, Group, Store

RULES = "1"
"""Version of the rules that make state out of a log; a release that changes them needs `segue rebuild`."""


class NeedsRebuild(Exception):
    """State and log do not belong together; the message says what was seen and names `segue rebuild`."""


class Gap(Exception):
    """Retention deleted records that were never read; the partition pauses. See operations.md, 'gap'."""

    def __init__(self, topic: str, partition: int, cursor: int, first: int) -> None:
        super().__init__(
            f"{topic}-{partition}: records {cursor}..{first - 1} were deleted before they were read ({first - cursor} offsets); "
            "set SEGUE_ACCEPT_GAP=true to go on behind them, see operations.md, 'gap'"
        )


class Claims:
    """Claims partitions for one worker.

    Parameters
    ----------
    new_token: gives 16 fresh hex digits per call.
    """

    def __init__(self, settings: Settings, store: Store, group: Group, new_token: Callable[[], str]) -> None:
        self._settings, self._store, self._group, self._new_token = settings, store, group, new_token
        self._keys = Keys(settings.namespace)

    async def claim(self, cursor: str, pending: str, topic: str, partition: int, tag: str) -> tuple[str, Claimed]:
        """Returns the new token and what was found; the cursor exists afterwards.

        Raises `NeedsRebuild`, `Gap`.
        """
        meta = await self._meta()
        while True:
            token = self._new_token()
            claimed = await self._store.claim(cursor, pending, token)
            if claimed.fields:
                break
            await self._start(meta, cursor, topic, partition, tag)
        found = claimed.fields["incarnation"].decode()
        incarnation = meta["incarnation"].decode()
        if found != incarnation:
            raise NeedsRebuild(
                f"{cursor} belongs to incarnation {found}, the namespace to {incarnation}: stop all workers, run `segue rebuild`"
            )
        if f"started:{tag}" not in meta:
            await self._store.mark(f"started:{tag}", 1)
        await self._check_bounds(topic, partition, int(claimed.fields["next"]))
        return token, claimed

    async def _meta(self) -> dict[str, bytes]:
        s = self._settings
        wanted: dict[str, int | str] = {
            "events_partitions": s.events_partitions,
            "deltas_partitions": s.deltas_partitions,
            "rules": RULES,
        }
        meta = await self._store.meta()
        if not meta:
            meta = await self._store.found({**wanted, "incarnation": self._new_token()[:8]})
        for name, value in wanted.items():
            stands = str(meta.get(name, b"nothing"), "utf-8")
            if stands != str(value):
                raise NeedsRebuild(
                    f"{self._keys.meta()} says {name}={stands}, this worker {value}: "
                    "set it back, or stop all workers and run `segue rebuild`"
                )
        return meta

    async def _start(self, meta: dict[str, bytes], cursor: str, topic: str, partition: int, tag: str) -> None:
        if f"started:{tag}" in meta:
            raise NeedsRebuild(f"{cursor} is gone, but {self._keys.meta()} says that it was started: stop all workers, run `segue rebuild`")
        first, _ = await self._bounds(topic, partition)
        await self._store.start_cursor(cursor, {"token": "", "next": first, "incarnation": meta["incarnation"].decode()})
        await self._store.mark(f"started:{tag}", 1)

    async def _check_bounds(self, topic: str, partition: int, cursor: int) -> None:
        first, end = await self._bounds(topic, partition)
        if cursor > end:
            raise NeedsRebuild(
                f"{topic}-{partition} ends at {end}, the cursor is at {cursor}: the topic was made anew; stop all "
                "workers, run `segue rebuild`"
            )
        if cursor < first and not self._settings.accept_gap:
            raise Gap(topic, partition, cursor, first)

    async def _bounds(self, topic: str, partition: int) -> tuple[int, int]:
        tp = TP(topic, partition)
        return (await self._group.bounds({tp}))[tp]
