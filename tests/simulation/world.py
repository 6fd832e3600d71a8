"""One seed, one world: a log, a Redis, two workers, and everything that can go wrong with them.

The world plays the group (who owns what, who is told, and when), the server's own faults, and the producers. In the end
it stops hurting, waits until all is read, and lets the oracle judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from random import Random

import msgspec

from infra.keys import Keys
from infra.memory_store import MemoryRedis, Moment, Snapshot
from infra.settings import Settings
from online_models.clusters.newest import NEWEST_MAX, New
from online_models.clusters.served import Placed, Served
from streams.ports import TP, Outgoing
from tests.events_log import APPENDED_MS
from tests.oracle.names import hex_hash, id_hash
from tests.simulation.answering import Answering
from tests.simulation.audience import Audience
from tests.simulation.decisions import DecisionBooks
from tests.simulation.faults import Plan
from tests.simulation.memory_log import MemoryLog
from tests.simulation.worker import Worker

SETTINGS = Settings(
    namespace="sim",
    events_partitions=2,
    deltas_partitions=2,
    lessons_partitions=5,
    listening_rate=0.6,
    user_rows_max=64,
    track_rows_max=256,
    accept_gap=True,
)
DRAIN_S = 120.0
"""Virtual seconds after the last event in which everything must be read: 2 s to notice a flush, 0.5 s to write tracks, and the rest."""
SNAPSHOTS_MAX = 4
TRACKS = 12
CROWDED, CROWD = 16, 8
"""Every 16th world has eight times the tracks and the events: enough for places of `discover` to explore."""
NEW_EVERY, NEW = 3, [f"new{n}" for n in range(NEWEST_MAX)]
"""Every third world has a models worker's micro-genre, which all tracks are in, and new ones of it that join what is explored."""
ASKED = 5
"""Every 5th world has an answers worker: it costs as much as the rest of a world."""


class Stuck(AssertionError):
    """The workers do not get to the end of the log."""


class World:
    """Everything of one seed. `run` it inside a `VirtualLoop`, then judge it."""

    def __init__(self, seed: int, *, plan: Plan | None = None) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.plan = Plan.of(self.rng) if plan is None else plan
        # Sixteen rows: each tracks' partition fits alone with its artists and albums, both together do not.
        self.settings = msgspec.structs.replace(
            SETTINGS, round_plays_max=self.rng.choice((1, 4, 16)), track_rows_max=self.rng.choice((16, 256)), explore_share=0.5
        )
        # Rows with and without what was passed over; lists that repeat an entry with another score.
        self.settings = msgspec.structs.replace(self.settings, fatigue=0.3 * (seed % 3), fatigue_next=0.2 * (seed % 2))
        self._crowd = 1
        if seed % CROWDED == CROWDED - 1:
            self._crowd, self.settings = CROWD, msgspec.structs.replace(self.settings, round_plays_max=16, track_rows_max=256)
        self.redis, self.log = MemoryRedis(), MemoryLog()
        ns, s = self.settings.namespace, self.settings
        self.events_topic, self.deltas_topic = f"{ns}.events", f"{ns}.internal.track-deltas"
        for topic, n in (("events", s.events_partitions), ("recommendations", s.events_partitions), ("dead-letters", s.events_partitions)):
            self.log.declare(f"{ns}.{topic}", n)
        self.log.declare(self.deltas_topic, s.deltas_partitions)
        self.log.declare(f"{ns}.internal.lessons", s.lessons_partitions)
        self.log.declare(f"{ns}.decisions", 1)
        for topic in ("verdicts", "erasures"):
            self.log.declare(f"{ns}.internal.{topic}", 1)
        if seed % NEW_EVERY == NEW_EVERY - 1:
            self._serve_new(TRACKS * self._crowd)
        self.tps = [TP(self.events_topic, n) for n in range(s.events_partitions)]
        self.tps += [TP(self.deltas_topic, n) for n in range(s.deltas_partitions)]
        self.audience = Audience(
            self.log, self.events_topic, s.events_partitions, self.rng, users=self.rng.choice((3, 8)), tracks=TRACKS * self._crowd
        )
        self.answering: Answering | None = None
        if seed % ASKED == ASKED - 1:
            self.log.declare(f"{ns}.answers", s.events_partitions)
            self.answering = Answering(self)
        self.group: dict[TP, Worker] = {}
        """Who owns what, as the group has it."""
        self.workers: list[Worker] = []
        self.story: list[str] = []
        self.alarms: list[BaseException] = []
        self.rewound = False
        """Redis went back or was flushed: lists may come out different."""
        self.broken_promises: list[str] = []
        self.decisions = DecisionBooks()
        self._snapshots: list[Snapshot] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._stored: dict[tuple[str, int], int] = {}
        """(incarnation, users' partition) -> the highest `next` that was ever stored."""
        self._erased: dict[str, dict[str, int]] = {}
        """Incarnation in short -> hash of a user -> the newest erasure that was known when it began."""

    def _serve_new(self, n_tracks: int) -> None:
        keys, of = Keys(self.settings.namespace), {7: [New(n, track, "") for n, track in enumerate(NEW)]}
        said = {keys.answer("micro_genres", f"t{n}"): msgspec.json.encode(Placed(7, 1)) for n in range(n_tracks)}
        self.redis.write({keys.serving("micro_genres"): msgspec.json.encode(Served("micro_genres", 1, 1, 1, [], [], of)), **said})

    # --- what the workers ask --------------------------------------------------------------------

    def now_ms(self) -> int:
        return APPENDED_MS + int(asyncio.get_running_loop().time() * 1000)

    def fresh_token(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"

    def latency_s(self) -> float:
        return self.rng.choice((0.0, 0.0, 0.01, 0.3))

    def believes(self, worker: Worker, tp: TP) -> bool:
        """Does `worker` think that `tp` is its own? A zombie does until it is told."""
        return self.group.get(tp) is worker or tp in worker.position

    def tell(self, what: str) -> None:
        """Write the story: what a failing seed prints."""
        self.story.append(f"{asyncio.get_running_loop().time():8.3f} {what}")

    def alarm(self, worker: Worker, error: BaseException) -> None:
        self.tell(f"alarm of {worker}: {error!r}")
        self.alarms.append(error)

    # --- what the doors report -------------------------------------------------------------------

    def watch(self, worker: Worker, moment: Moment) -> None:
        """Keep the books of what reached the store; called just before or just after the effect, with nothing in between."""
        op, when, key = moment
        if "{u" not in key or op not in {"apply", "start_cursor"}:
            return
        partition = int(key.split("{u")[1].split("}")[0])
        tp = TP(self.events_topic, partition)
        cursor = self.redis.hash(key)
        next_ = int(cursor.get("next", b"0"))
        incarnation = cursor.get("incarnation", b"").decode()
        if when == "before":
            worker.before[tp] = (incarnation, next_)
            return
        incarnation_before, next_before = worker.before.get(tp, (incarnation, next_))
        self._erased.setdefault(incarnation[:4], self._known_erasures())
        if op == "start_cursor":
            # One that was made, or took the place of another incarnation's: its state begins where the log begins now.
            if incarnation_before != incarnation:
                self._lose(partition, 0, next_)
        else:
            # An accepted gap: this apply began behind records that retention had deleted.
            began = min(worker.began.get(tp, 0), next_)
            self._lose(partition, next_before, began)
            self.decisions.stored(self.redis.string(key.removesuffix("cursor") + "pending") or b"")
        self._stored[incarnation, partition] = max(self._stored.get((incarnation, partition), 0), next_)

    def _lose(self, partition: int, first: int, end: int) -> None:
        """Note records that no state accounts for, in Redis itself: a rollback or a flush takes the note along."""
        if first >= end or not any(first <= record.offset < end for record in self.log[TP(self.events_topic, partition)].records):
            return
        key = lost_key(self.settings.namespace, partition)
        lost = msgspec.json.decode(self.redis.string(key) or b"[]")
        self.redis.write({key: msgspec.json.encode([*lost, [first, end]])})

    def land(self, worker: Worker, records: Sequence[Outgoing]) -> None:
        """Records reach the broker."""
        for record in records:
            if record.topic == f"{self.settings.namespace}.recommendations":
                self._check_stored(worker, record)
                self._check_hidden(worker, record)
            if record.topic == f"{self.settings.namespace}.decisions":
                self.broken_promises += [f"{worker} {wrong}" for wrong in self.decisions.landed(record)]
            value = None if record.value is None else bytes(record.value)
            self.log[TP(record.topic, record.partition)].append(record.key, value, record.pairs(), self.now_ms())

    def land_answer(self, record: Outgoing) -> None:
        """An answer reaches the broker. P8: a rebuild answers nobody who will be erased further on."""
        _, prefix, _, offset = dict(record.pairs())["ce_id"].decode().split("-")
        user = hex_hash(id_hash((record.key or b"").decode(), self.settings.id_key))
        if int(offset) < self._erased.get(prefix, {}).get(user, -1):
            self.broken_promises.append(f"{record.key!r} was answered at {offset}, who will be erased")
        self.log[TP(record.topic, record.partition)].append(record.key, record.value, record.pairs(), self.now_ms())

    def _known_erasures(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for record in self.log[TP(f"{self.settings.namespace}.internal.erasures", 0)].records:
            user, _, offset = msgspec.json.decode(record.value or b"", type=tuple[str, int, int])
            found[user] = max(offset, found.get(user, -1))
        return found

    def _check_hidden(self, worker: Worker, record: Outgoing) -> None:
        """P8: a rebuild publishes nothing of an erased user until it comes to the erasure."""
        prefix, _, offset = dict(record.pairs())["ce_id"].decode().split("-")
        user = hex_hash(id_hash((record.key or b"").decode(), self.settings.id_key))
        if record.value is not None and int(offset) < self._erased.get(prefix, {}).get(user, -1):
            self.broken_promises.append(f"{worker} published a list of {record.key!r} at {offset}, who will be erased")

    def _check_stored(self, worker: Worker, record: Outgoing) -> None:
        """P4: a list is stored before it is published, under its own id."""
        ce_id = dict(record.pairs())["ce_id"].decode()
        if record.value is not None and msgspec.json.decode(record.value)["recommendation_id"] != ce_id:
            self.broken_promises.append(f"{worker} published another list as {ce_id}")
        prefix, partition, offset = ce_id.split("-")
        stored = [high for (mark, p), high in self._stored.items() if mark.startswith(prefix) and p == int(partition)]
        if not stored or max(stored) <= int(offset):
            self.broken_promises.append(f"{worker} published {ce_id}, and the store never had it")

    # --- faults of the world ---------------------------------------------------------------------

    def strike(self, fault: str, worker: Worker) -> None:
        """A fault that needs no worker's help."""
        if fault == "duplicate":
            self.audience.repeat(self.rng.randint(1, 4), self.now_ms())
        elif fault == "aborted":
            self.audience.transactions()
        elif fault == "re-cut":
            worker.chunk_max = self.rng.choice((1, 2, 5, 100))
        elif fault == "flush":
            self.rewound = True
            self._snapshots.clear()
            self.redis.flush()
        elif fault == "rollback":
            self._roll_back()
        else:
            assert fault == "gap", fault
            self._trim()

    def _roll_back(self) -> None:
        """Both sides go back, to two moments."""
        if not self._snapshots:
            return
        self.rewound = True
        for side in ("{u", "{t", *(("{q",) if self.answering else ())):
            self.redis.roll_back(self.rng.choice(self._snapshots), lambda key, side=side: side in key)  # type: ignore[misc]

    def _trim(self) -> None:
        """Retention. What a rollback may bring back is kept: beyond that nothing is promised; deltas stay longer than events."""
        keep_for_rollback = "rollback" in self.plan.planned or self.rewound
        for tp in self.tps:
            needed = min(self._cursors(tp), default=0)
            if tp.topic == self.events_topic and not keep_for_rollback and self.answering is None:
                needed += self.rng.randint(0, 6)
            self.log[tp].trim(needed)

    def _cursors(self, tp: TP) -> list[int]:
        """Every `next` of a partition that Redis holds or may hold again."""
        sides = ("u", *("q" if self.answering else "")) if tp.topic == self.events_topic else ("t",)
        keys = [f"{self.settings.namespace}:{{{side}{tp.partition}}}:cursor" for side in sides]
        kept = [snapshot.values.get(key, {}) for snapshot in [self.redis.snapshot(), *self._snapshots] for key in keys]
        return [int(fields.get("next", b"0")) if not isinstance(fields, bytes) else 0 for fields in kept]

    def _remember(self) -> None:
        """Take a snapshot that a rollback may go to: all cursors stand, and their incarnation is today's."""
        snapshot = self.redis.snapshot()
        n_cursors = sum(key.endswith(":cursor") for key in snapshot.values)
        if n_cursors == len(self.tps) + (self.settings.events_partitions if self.answering else 0):
            self._snapshots = [*self._snapshots, snapshot][-SNAPSHOTS_MAX:]

    # --- the group -------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Something that the world does beside all else; the end waits for it."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def start_worker(self, name: str) -> Worker:
        worker = Worker(self, name)
        self.workers.append(worker)
        return worker

    def living(self, but: Worker | None = None) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive and worker is not but]

    async def assign(self, worker: Worker, tps: Collection[TP]) -> None:
        for tp in tps:
            self.group[tp] = worker
        self.tell(f"{worker} gets {shown(tps)}")
        await worker.claim(sorted(tps))

    def owned(self, worker: Worker) -> list[TP]:
        return sorted(tp for tp, owner in self.group.items() if owner is worker)

    def take_over(self, frozen: Worker) -> None:
        """The group gives the frozen worker's partitions to others; it wakes some time later and is told still later."""
        self.spawn(self._take_over(frozen))

    async def _take_over(self, frozen: Worker) -> None:
        lost = self.owned(frozen)
        lost = sorted(self.rng.sample(lost, self.rng.randint(1, len(lost)))) if lost else []
        others = self.living(but=frozen)
        heir = self.rng.choice(others) if others else self.start_worker(f"heir of {frozen}")
        claim = asyncio.ensure_future(self.assign(heir, lost))
        await asyncio.sleep(self.rng.choice((0.0, 0.005, 0.1, 1.0, 3.0)))
        self.tell(f"{frozen} wakes")
        frozen.wake()
        await claim
        await asyncio.sleep(self.rng.choice((0.0, 0.1, 1.0)))
        await self.told(frozen)

    async def told(self, worker: Worker) -> None:
        """Let a worker know what it lost."""
        lost = sorted(tp for tp in worker.position if self.group.get(tp) is not worker)
        if lost and worker.alive:
            self.tell(f"{worker} learns that it lost {shown(lost)}")
            await worker.revoke(lost)

    def died(self, worker: Worker) -> None:
        self.spawn(self._recover(worker))

    async def _recover(self, dead: Worker) -> None:
        """The supervisor starts a new process, or the session ends and the other one takes over."""
        await asyncio.sleep(self.rng.choice((0.0, 0.05, 1.0, 6.0)))
        await dead.bury()
        orphans = self.owned(dead)
        others = self.living()
        if others and self.rng.random() < 0.5:
            await self.assign(self.rng.choice(others), orphans)
        else:
            await self.assign(self.start_worker(f"{dead}'"), orphans)

    async def _rebalance(self) -> None:
        """A worker gives a partition away in good order."""
        tp = self.rng.choice(self.tps)
        giver = self.group[tp]
        takers = self.living(but=giver)
        if not takers or not giver.alive:
            return
        taker = self.rng.choice(takers)
        self.group[tp] = taker
        self.tell(f"{giver} gives {shown([tp])} to {taker}")
        await giver.revoke([tp])
        if self.group[tp] is taker and taker.alive:
            await taker.claim([tp])

    # --- one life --------------------------------------------------------------------------------

    async def run(self, n_actions: int = 14) -> None:
        """Begin, live through the plan, heal, read everything."""
        self.audience.produce(self.rng.randint(0, 10), self.now_ms())
        first, second = self.start_worker("A"), self.start_worker("B")
        cut = self.rng.randint(0, len(self.tps))
        shuffled = self.rng.sample(self.tps, len(self.tps))
        await asyncio.gather(self.assign(first, shuffled[:cut]), self.assign(second, shuffled[cut:]))
        if self.answering is not None:
            self.answering.start()
        for _ in range(n_actions):
            await self._act()
            await asyncio.sleep(self.rng.choice((0.0, 0.01, 0.05, 0.7)))
        await self._drain()
        if self.answering is not None:
            await self.answering.end()
        if not self.rewound:
            self.broken_promises += self.decisions.missing()
        for worker in self.living():
            await worker.bury()

    async def _act(self) -> None:
        kind = self.rng.random()
        if kind < 0.65:
            self.audience.produce(self._crowd * self.rng.randint(1, 8), self.now_ms())
        elif kind < 0.75:
            await self._rebalance()
        elif kind < 0.80:
            self.audience.transactions()
        else:
            self._remember()

    async def _drain(self) -> None:
        deadline = asyncio.get_running_loop().time() + DRAIN_S
        while not await self._done():
            if asyncio.get_running_loop().time() > deadline:
                raise Stuck(f"not done {DRAIN_S:.0f} s after the last event: {self._lag()}")
            await asyncio.sleep(0.25)

    async def _done(self) -> bool:
        if self._under_way or self._lag():
            return False
        ends = [self.log[tp].last for tp in self.tps]
        for worker in self.living():
            await self.told(worker)
            await worker.settle()
        # What came meanwhile may be applied and not published yet, by a worker that had settled before.
        return not self._under_way and not self._lag() and ends == [self.log[tp].last for tp in self.tps]

    def _lag(self) -> dict[str, tuple[int, int]]:
        """{partition: (stored, last readable)} of what is not read and could be."""
        found = {}
        for tp in self.tps:
            stored, log = self.stored(tp), self.log[tp]
            if max(stored, log.first) < log.last:
                found[shown([tp])] = (stored, log.last)
        return found | self._unasked()

    def _unasked(self) -> dict[str, tuple[int, int]]:
        """The same of the answers worker, where there is one."""
        if self.answering is None:
            return {}
        found = {}
        for n in range(self.settings.events_partitions):
            log = self.log[TP(self.events_topic, n)]
            next_ = int(self.redis.hash(f"{self.settings.namespace}:{{q{n}}}:cursor").get("next", b"-1"))
            if max(next_, log.first) < log.last:
                found[f"q{n}"] = (next_, log.last)
        return found

    def stored(self, tp: TP) -> int:
        """`next` of a partition in Redis, -1 without a cursor."""
        side = "u" if tp.topic == self.events_topic else "t"
        return int(self.redis.hash(f"{self.settings.namespace}:{{{side}{tp.partition}}}:cursor").get("next", b"-1"))


def shown(tps: Collection[TP]) -> str:
    """Short names: u0 is partition 0 of events, t1 partition 1 of the deltas."""
    return " ".join(f"{'u' if tp.topic.endswith('.events') else 't'}{tp.partition}" for tp in sorted(tps)) or "nothing"


def lost_key(namespace: str, partition: int) -> str:
    """Where the world notes, beside the state that does not hold them, the records that were lost by an accepted gap."""
    return f"{namespace}:{{u{partition}}}:simulation-lost"
