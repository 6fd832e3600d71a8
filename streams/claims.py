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

RULES = "7"
"""Version of the rules that make state out of a log; a release that changes them needs `segue rebuild`."""

USED = frozenset({"applied", "noted"})
"""A cursor has one of these fields from its first write on."""


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
        while True:
            meta = await self._meta()
            token = self._new_token()
            claimed = await self._store.claim(cursor, pending, token)
            if not claimed.fields:
                await self._start(meta, cursor, topic, partition, tag)
            elif claimed.fields["incarnation"] == meta["incarnation"]:
                break
            elif not await self._flushed_since(meta):
                await self._start_anew(meta, cursor, token, claimed, topic, partition)
        if f"started:{tag}" not in meta:
            await self._store.mark(meta["incarnation"].decode(), f"started:{tag}", 1)
        await self._check_bounds(topic, partition, int(claimed.fields["next"]))
        return token, claimed

    async def _flushed_since(self, meta: dict[str, bytes]) -> bool:
        """Is the namespace another one (or none) by now? A flush may come between any two questions."""
        return (await self._store.meta()).get("incarnation") != meta["incarnation"]

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
        """Create a missing cursor at the log's beginning; the caller claims it then, with a fresh look at meta."""
        if f"started:{tag}" in meta:
            if await self._flushed_since(meta):
                return
            raise NeedsRebuild(f"{cursor} is gone, but {self._keys.meta()} says that it was started: stop all workers, run `segue rebuild`")
        incarnation = meta["incarnation"].decode()
        first, _ = await self._bounds(topic, partition)
        await self._store.start_cursor(cursor, {"token": "", "next": first, "incarnation": incarnation})
        await self._store.mark(incarnation, f"started:{tag}", 1)

    async def _start_anew(self, meta: dict[str, bytes], cursor: str, token: str, claimed: Claimed, topic: str, partition: int) -> None:
        """A cursor of another incarnation: one that was created just after a flush, and never used, is replaced."""
        incarnation = meta["incarnation"].decode()
        if claimed.fields.keys() & USED:
            raise NeedsRebuild(
                f"{cursor} belongs to incarnation {claimed.fields['incarnation'].decode()}, the namespace to {incarnation}: "
                "stop all workers, run `segue rebuild`"
            )
        first, _ = await self._bounds(topic, partition)
        await self._store.start_cursor(cursor, {"token": "", "next": first, "incarnation": incarnation}, instead_of=token)

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
