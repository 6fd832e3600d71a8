"""The faults of a chaos run, one function each, and how long the workers take to get over them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import psutil

from console.chaos_feed import Feed
from console.chaos_plan import SUPERVISORS, Kill
from console.chaos_site import ChaosSite, Held
from console.output import say

LOOK_S: Final = 0.02
LAG_MIN: Final = 100
"""Events behind, at least, when a fault strikes: in the middle of the work."""
LAG_PATIENCE_S: Final = 15.0
BURST_AGAIN_S: Final = 1.0
"""A burst that never left the workers that far behind is taken by then, and another is sent."""
IN_FLIGHT_S: Final = 0.1
"""A call that a killed worker had already written to its socket may land a moment later; it is no recovery."""
RECOVERY_MAX_S: Final = 120.0
POINT_PATIENCE_S: Final = 30.0
WHOLE_MAX_S: Final = 90.0


class Struck(msgspec.Struct, frozen=True):
    """One fault as it happened; `recovery_s` None = some partition never applied again within two minutes."""

    what: str
    victim: str
    lag: int
    recovery_s: float | None
    users_recovery_s: float | None = None
    """Of the users' partitions alone."""


class Stage:
    """A site and its producer, and the faults that can be done to them."""

    def __init__(self, site: ChaosSite, feed: Feed, burst_plays: int) -> None:
        self.site, self.feed, self.burst_plays = site, feed, burst_plays
        self.killed_s = time.monotonic()
        """When the last kill struck."""
        self._aside = site.folder / "data" / "redis-aside"

    # --- kills -----------------------------------------------------------------------------------

    def kill(self, kill: Kill) -> Struck:
        """Do one kill of the plan, in the middle of a burst, and wait until everything it held is applied again."""
        held, pids = self._whole()
        if kill.target == "fail-point":
            return self._at_point(kill, held, pids)
        victim = kill.victim
        keys = _keys(held, victim) if victim != "models" else []
        lag = self._behind(keys or self.site.event_cursors(), kill.delay_ms)
        self.killed_s = killed_s = time.monotonic()
        if kill.target == "supervisor":
            self.site.supervisors[victim].kill()
            self.site.history.add("killed", target="supervisor", victim=victim, lag=lag)
            self.site.supervisors[victim].start()
        else:
            os.kill(pids[victim], signal.SIGKILL)
            self.site.history.add("killed", target=kill.target, victim=victim, pid=pids[victim], lag=lag, held=keys)
        return self._recovered(kill.target, victim, lag, keys, killed_s)

    def _whole(self) -> tuple[Held, dict[str, int]]:
        """Wait until every worker is there and holds partitions, so that a kill hits somebody who works."""
        deadline_s = time.monotonic() + WHOLE_MAX_S
        while True:
            self.site.check()
            held, pids = self.site.held(), {name: self.site.worker_pid(name) for name in self.site.supervisors}
            if all(pids.values()) and all(_keys(held, name) for name in SUPERVISORS):
                return held, pids
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"after {WHOLE_MAX_S:.0f} s the group is not whole: processes {pids}, partitions {held}")
            time.sleep(0.1)

    def _at_point(self, kill: Kill, held: Held, pids: dict[str, int]) -> Struck:
        """Arm a fail point: the first worker that comes by kills itself there."""
        armed = self.site.folder / "fail" / kill.point
        lag = self._behind(self.site.event_cursors(), 0)
        armed.touch()
        deadline_s = time.monotonic() + POINT_PATIENCE_S
        workers = {name: pid for name, pid in pids.items() if name != "models"}
        while not (dead := [name for name, pid in workers.items() if not alive(pid)]):
            if time.monotonic() > deadline_s:
                armed.unlink(missing_ok=True)
                raise RuntimeError(f"no worker came by the fail point {kill.point} within {POINT_PATIENCE_S:.0f} s")
            time.sleep(0.002)
        self.killed_s = killed_s = time.monotonic()
        lag = self.site.progress(self.feed.ends).lag or lag
        keys = _keys(held, dead[0])
        self.site.history.add("killed", target=kill.target, point=kill.point, victim=dead[0], lag=lag, held=keys)
        return self._recovered(kill.point, dead[0], lag, keys, killed_s)

    def _behind(self, keys: Sequence[str], delay_ms: int) -> int:
        """Send a burst; returns the lag of `keys` once it is large enough, `delay_ms` into it."""
        deadline_s = time.monotonic() + LAG_PATIENCE_S
        burst_s, ready_s = 0.0, None
        while time.monotonic() < deadline_s:
            if ready_s is None and time.monotonic() - burst_s > BURST_AGAIN_S:
                self.feed.burst(self.burst_plays)
                burst_s = time.monotonic()
            lag = self.lag(keys)
            if lag >= LAG_MIN:
                ready_s = ready_s or time.monotonic()
                if time.monotonic() - ready_s >= delay_ms / 1000:
                    return lag
            elif ready_s is not None:
                # The workers were faster than the delay: another burst, and no delay.
                delay_ms, burst_s, ready_s = 0, 0.0, None
            time.sleep(0.002)
        return self.lag(keys)

    def lag(self, keys: Sequence[str]) -> int:
        """Acknowledged events behind which the users' cursors among `keys` are."""
        at = self.site.progress({}).at
        own = {self.site.keys.user_cursor(p): end for p, end in self.feed.ends.items()}
        return sum(max(0, own[key] - at.get(key, 0)) for key in keys if key in own)

    # --- services --------------------------------------------------------------------------------

    def redis_kill(self, down_s: float) -> Struck:
        """kill -9 of Redis, append-only file on; it comes back after `down_s`."""
        lag = self._behind(self.site.event_cursors(), 0)
        self.site.redis.kill()
        time.sleep(down_s)
        self.site.redis.start()
        return self._all_recovered("redis-kill", lag, time.monotonic())

    def redis_flush(self) -> Struck:
        """Every key is gone while the workers run: they build a new incarnation from the logs."""
        lag = self._behind(self.site.event_cursors(), 0)
        self.site.redis.flush()
        return self._all_recovered("redis-flush", lag, time.monotonic(), from_zero=True)

    def redis_rollback(self, seconds: float) -> Struck:
        """Redis goes back to its append-only file of `seconds` ago."""
        self._behind(self.site.event_cursors(), 0)
        self.site.redis.remember(self._aside)
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            time.sleep(0.2)
        lag = self._behind(self.site.event_cursors(), 0)
        self.site.redis.roll_back(self._aside)
        return self._all_recovered("redis-rollback", lag, time.monotonic(), from_zero=True)

    def redis_rollback_idle(self) -> Struck:
        """Redis goes back when nothing comes any more: workers must notice by themselves."""
        self.site.redis.roll_back(self._aside)
        return self._all_recovered("redis-rollback-idle", 0, time.monotonic(), from_zero=True)

    def redis_flush_idle(self) -> Struck:
        """Every key is gone when nothing comes any more: workers must notice by themselves."""
        self.site.redis.flush()
        return self._all_recovered("redis-flush-idle", 0, time.monotonic(), from_zero=True)

    def broker_kill(self, down_s: float) -> Struck:
        """kill -9 of the broker; it comes back after `down_s`."""
        lag = self._behind(self.site.event_cursors(), 0)
        self.site.kafka.kill()
        time.sleep(down_s)
        self.site.kafka.start()
        return self._all_recovered("broker-kill", lag, time.monotonic())

    def zombie(self, victim: str, asleep_s: float) -> Struck:
        """SIGSTOP a worker until its partitions have moved, then let it go on where it was."""
        held, pids = self._whole()
        pid, keys = pids[victim], _keys(held, victim)
        lag = self._behind(keys, 0)
        os.kill(pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        self.site.history.add("stopped", victim=victim, pid=pid, lag=lag, held=keys)
        try:
            struck = self._recovered("zombie", victim, lag, keys, stopped_s)
            time.sleep(max(0.0, asleep_s - (time.monotonic() - stopped_s)))
            self.feed.burst(self.burst_plays)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.site.history.add("woke", victim=victim, pid=pid)
        return struck

    # --- recovery --------------------------------------------------------------------------------

    def _all_recovered(self, what: str, lag: int, since_s: float, *, from_zero: bool = False) -> Struck:
        self.site.history.add(what, lag=lag)
        return self._recovered(what, "", lag, self.site.event_cursors() + self.site.delta_cursors(), since_s, from_zero=from_zero)

    def _recovered(self, what: str, victim: str, lag: int, keys: Sequence[str], since_s: float, *, from_zero: bool = False) -> Struck:
        """Watch the cursors of `keys` until each has moved since shortly after the fault.

        Parameters
        ----------
        from_zero: the cursors themselves went back or away: recovered is what reaches the log's end of now
        """
        time.sleep(IN_FLIGHT_S)
        before = self.site.progress({}).at
        ends = {self.site.keys.user_cursor(p): end for p, end in self.feed.ends.items()}
        wanted = {key: ends.get(key, 0) if from_zero else before.get(key, -1) + 1 for key in keys}
        moved: dict[str, float] = {}
        while len(moved) < len(wanted) and time.monotonic() - since_s < RECOVERY_MAX_S:
            at = self.site.progress({}).at
            now_s = time.monotonic() - since_s
            for key, offset in wanted.items():
                if key not in moved and at.get(key, -1) >= offset:
                    moved[key] = now_s
            self.feed.check()
            time.sleep(LOOK_S)
        whole = len(moved) == len(wanted)
        users = [moved[key] for key in moved if key in self.site.event_cursors()]
        struck = Struck(
            what,
            victim,
            lag,
            round(max(moved.values(), default=0.0), 2) if whole else None,
            round(max(users, default=0.0), 2) if whole else None,
        )
        slowest = sorted(moved, key=moved.__getitem__)[-3:]
        missing = sorted(wanted.keys() - moved.keys())
        self.site.history.add("recovered", **msgspec.structs.asdict(struck), slowest=slowest, missing=missing)
        says = f"recovered in {struck.recovery_s} s" if whole else f"{missing} NOT recovered"
        say(f"  {what} {victim} with {lag} events behind: {says}")
        return struck


def _keys(held: Held, supervisor: str) -> list[str]:
    """Cursors of the partitions that the workers of a supervisor hold."""
    return [key for member, keys in sorted(held.items()) if member.startswith(f"{supervisor}-") for key in keys]


def alive(pid: int) -> bool:
    """Is the process there, and no zombie?"""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


Act = Callable[[], Struck]
