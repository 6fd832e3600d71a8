"""A worker process for the transport's contract: `python -m tests.contracts.ledger_worker DB KAFKA NAMESPACE NAME [static] [how]`.

Its cursors live in an SQLite file that all workers share, fenced by a token as in the real store; every record it
applies becomes a row whose key is its place, so a record that is applied twice is an error and a lost one is missing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import sys
import time
from typing import Any

from faust.types import TP

from infra.settings import Settings
from streams.faust_app import SegueApp, build_app, run_app
from streams.ports import Record

SCHEMA = """
create table if not exists cursor (topic text, part int, token text, next int, primary key (topic, part));
create table if not exists seen (topic text, part int, offset int, value blob, worker text, at real, primary key (topic, part, offset));
create table if not exists note (worker text, what text, at real);
"""


class LedgerOwner:
    """Applies records under a fence; `how` makes it misbehave inside `receive`."""

    app: SegueApp

    def __init__(self, path: str, name: str, how: str) -> None:
        self.name = name
        self.how = how
        self.tokens: dict[TP, str] = {}
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.db.executescript(SCHEMA)
        self.note("started")

    def note(self, what: str) -> None:
        self.db.execute("insert into note values (?, ?, ?)", (self.name, what, time.monotonic()))

    async def claim(self, tps: set[TP]) -> dict[TP, int]:
        if self.how == "refuse":
            raise RuntimeError("this log is not ours")
        bounds = await self.app.consumer.bounds(tps)
        found = {}
        for tp in sorted(tps):
            token = self.tokens[tp] = secrets.token_hex(4)
            self.db.execute("insert or ignore into cursor values (?, ?, '', ?)", (tp.topic, tp.partition, bounds[tp][0]))
            self.db.execute("update cursor set token = ? where topic = ? and part = ?", (token, tp.topic, tp.partition))
            found[tp] = self.db.execute("select next from cursor where topic = ? and part = ?", tp).fetchone()[0]
        self.note(f"claimed {len(tps)}")
        return found

    async def revoked(self, tps: set[TP]) -> None:
        for tp in tps:
            self.tokens.pop(tp, None)
        self.note(f"revoked {len(tps)}")

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        if self.how != "well":
            await self.misbehave()
        for partition, records in chunks.items():
            self.apply(TP(topic, partition), records)
        await asyncio.sleep(0.005)

    def apply(self, tp: TP, records: list[Record]) -> None:
        token = self.tokens.get(tp)
        if token is None:
            return
        self.db.execute("begin immediate")
        stored, start = self.db.execute("select token, next from cursor where topic = ? and part = ?", tp).fetchone()
        if stored != token:
            self.db.execute("rollback")
            self.note("refused")
            return
        assert records[0].offset >= start, f"{tp}: {records[0].offset} after {start}"
        now_s = time.monotonic()
        rows = [(tp.topic, tp.partition, record.offset, record.value, self.name, now_s) for record in records]
        self.db.executemany("insert into seen values (?, ?, ?, ?, ?, ?)", rows)
        self.db.execute("update cursor set next = ? where topic = ? and part = ?", (records[-1].offset + 1, *tp))
        self.db.execute("commit")

    async def misbehave(self) -> None:
        self.note("misbehaving")
        if self.how == "raise":
            raise ValueError("a bug of ours")
        if self.how == "hang":
            await asyncio.Event().wait()
        while self.how == "deaf":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.note("cancelled, but going on")
        if self.how == "slow":
            await asyncio.sleep(0.2)


def main(path: str, kafka: str, namespace: str, name: str, static: str = "", how: str = "well") -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    owner = LedgerOwner(path, name, how)
    chosen: dict[str, Any] = {"worker_id": name if static == "static" else ""}
    settings = Settings(namespace=namespace, kafka=kafka, session_timeout_ms=6000, heartbeat_ms=500, **chosen)
    owner.app = build_app(settings, group="plays", topics=[f"{namespace}.events"], segue=owner)
    run_app(owner.app)


if __name__ == "__main__":
    main(*sys.argv[1:])
