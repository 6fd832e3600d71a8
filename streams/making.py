"""From a round's outcomes to each partition's fenced apply, records and numbered sections."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from infra.fenced import Command, FencedCall
from infra.keys import Keys
from infra.settings import Settings
from online_models import history, item_targets, measures, plays
from online_models.arrays import Items
from online_models.events import ERASE
from online_models.items import FINISHED
from online_models.weights import Weights
from online_models.weights import encode as encode_weights
from streams.cloudevents import list_headers
from streams.dead_letters import dead_letter, encode_rejection
from streams.erasures import Erasures
from streams.lessons import LESSON, pack_lessons
from streams.listening import PUPILS, listened
from streams.model_decisions import records as decision_records
from streams.names import Names
from streams.partitions import UserPartition
from streams.pending import IN_REDIS, Numbered, Pending, PendingList, encode, list_record
from streams.ports import Outgoing
from streams.ranker_drift import RankerDrift
from streams.round_work import Made, RoundWork
from streams.sections import DELTAS, pack_section
from streams.user_rows import UserRows

ROW_FIELDS: Final = ("about", "list", "row")
DAY_MS: Final = 86_400_000
RANKER_MS: Final = 5_000
"""Time between two copies of the ranker's weights in a partition: a crash forgets what was learned since the last of all partitions."""
FINISH, FINISH_PARTITION = "finish", 0
_json = msgspec.json.Encoder().encode

UserResult = tuple[int, bytes, bytes]
"""Event of the newest list, `about`, `row`."""
DeltaBody = tuple[int, int, bytes]
"""Tracks' partition, number of items, body."""


class About(msgspec.Struct, frozen=True, gc=False):
    """A user in a few words, for people. As a struct it costs a third of what formatting does."""

    user_id: str
    plays: int
    skips: int
    finishes: int
    last_track: str | None
    last_at: int
    session_plays: int
    sessions: int
    first_at: int


class Maker:
    """Turns outcomes into what is written and published; reads the rows, changes none."""

    def __init__(self, settings: Settings, users: UserRows, names: Names, erasures: Erasures, weights: Weights, drift: RankerDrift) -> None:
        self._settings, self._users, self._names, self._erasures = settings, users, names, erasures
        self._weights, self._drift = weights, drift
        self._keys = Keys(settings.namespace)
        self._pupils = [(name, at) for name, at in PUPILS if at < settings.lessons_partitions]
        ns = settings.namespace
        self._lists_topic, self._deltas_topic, self._lessons_topic = (
            f"{ns}.recommendations",
            f"{ns}.internal.track-deltas",
            f"{ns}.internal.lessons",
        )

    def make(self, w: RoundWork) -> list[Made]:
        """One `Made` per partition of the round."""
        hidden = self._hidden(w)
        for i in hidden:
            w.lists.pop(i, None)
            w.short.pop(i, None)
        deltas = self._delta_bodies(w)
        lessons = self._lessons(w)
        heard = self._listened(w)
        quality = self._quality(w)
        if self._drift.look(w):
            self._copy_weights_now(w)
        users = self._user_results(w, hidden)
        return [self._made(w, k, deltas[k], (lessons[k], heard[k]), quality[k], users[k]) for k in range(len(w.taken))]

    def _made(
        self,
        w: RoundWork,
        k: int,
        deltas: list[DeltaBody],
        lessons: tuple[Items, Items],
        quality: list[Command],
        users: dict[str, UserResult | None],
    ) -> Made:
        t = w.taken[k]
        p = t.partition
        counted = np.bincount(w.out.outcome[w.first[k] : w.first[k + 1]], minlength=4).tolist()
        counts = [a + b for a, b in zip(p.counts, counted, strict=True)]
        numbered, sent, taught = self._number(p, deltas, lessons)
        newest = {made[0] for made in users.values() if made is not None}
        erased = self._erased_before(w, k)
        entries, records = self._lists(w, k, newest, erased)
        erasures = [self._erasures.of(user, p.n, t.records[i - w.first[k]].offset) for user, i in erased.items()]
        self._erasures.note(erasures)
        records += [self._erasures.record(erasure) for erasure in erasures]
        held = [encode_rejection(t.records[r.index], r.reason, r.message) for r in t.batch.rejections]
        records += [dead_letter(t.records[r.index], r.reason, r.message, self._settings.namespace) for r in t.batch.rejections]
        decided = list(self._drift.untold) if k == 0 else []
        records += decision_records(self._settings.namespace, decided)
        after = UserPartition(p.n, p.token, p.incarnation, t.end, counts, sent, taught, p.recent)
        user_key = self._keys.user
        call = FencedCall(
            cursor=self._keys.user_cursor(p.n),
            pending_key=self._keys.user_pending(p.n),
            token=p.token,
            incarnation=p.incarnation,
            start=t.start,
            end=t.end,
            cursor_fields=after.cursor_fields(),
            pending=encode(Pending(w.at_ms, entries, numbered, held, erasures, decided)),
            row_fields=ROW_FIELDS,
            rows=[(user_key(p.n, user), made[1], w.short.get(made[0], b""), made[2]) for user, made in users.items() if made is not None],
            commands=[Command("DEL", user_key(p.n, user)) for user, made in users.items() if made is None] + quality + self._ranker(w, p),
        )
        return Made(t, call, records, numbered, counted, counts, sent, taught, len(entries), decided)

    def _ranker(self, w: RoundWork, p: UserPartition) -> list[Command]:
        """Now and then the weights, for whoever claims the partition next."""
        if w.at_ms - p.ranker_ms < RANKER_MS:
            return []
        p.ranker_ms = w.at_ms
        return [Command("SET", self._keys.ranker(p.n), (encode_weights(self._weights),))]

    def _copy_weights_now(self, w: RoundWork) -> None:
        """With the round that tells of an alarm, what it did to them."""
        for t in w.taken:
            t.partition.ranker_ms = 0

    def _lists(self, w: RoundWork, k: int, newest: set[int], erased: dict[str, int]) -> tuple[list[PendingList], list[Outgoing]]:
        """The lists of a partition in the order of its log; an erase takes the user's earlier ones away."""
        t = w.taken[k]
        topic, n, first = self._lists_topic, t.partition.n, w.first[k]
        headers = list_headers(w.at_ms)
        entries: list[PendingList] = []
        records: list[Outgoing] = []
        for j, record in enumerate(t.records):
            i = first + j
            value = w.lists.get(i)
            if value is None:
                if erased and erased.get(w.user_ids[i]) == i:
                    entries.append(PendingList(w.user_ids[i], record.offset, None))
                    records.append(list_record(topic, t.partition.incarnation, n, entries[-1], None, w.at_ms))
                continue
            user = w.user_ids[i]
            if erased and i < erased.get(user, -1):
                continue
            entries.append(PendingList(user, record.offset, IN_REDIS if i in newest else w.short[i]))
            records.append(Outgoing(topic, n, record.key, value, headers(w.ids[i])))
        return entries, records

    def _erased_before(self, w: RoundWork, k: int) -> dict[str, int]:
        """User -> their last erase in this round."""
        a, b = w.first[k], w.first[k + 1]
        kinds = w.events.kind[a:b]
        if not (kinds == ERASE).any():
            return {}
        applied = np.flatnonzero((kinds == ERASE) & (w.out.outcome[a:b] == plays.APPLIED)) + a
        return {w.user_ids[i]: i for i in applied.tolist()}

    def _delta_bodies(self, w: RoundWork) -> list[list[DeltaBody]]:
        """Items of the round by partition and target, each group in the order of the log."""
        n_targets = self._settings.deltas_partitions
        n, n_groups = int(w.out.n_items[0]), len(w.taken) * n_targets
        target, order, start = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n_groups + 2, np.int64)
        item_targets.targets(w.out, w.part, n_targets, target)
        item_targets.group(target, n_groups, order, start)
        start = start[:-1]
        ids = [track.encode() for t in w.taken for track in t.batch.track_ids]
        items, event = w.out.items[order], w.out.item_event[order]
        counts = np.flatnonzero(items["lag"] == 0)
        count_ids = [ids[i] for i in event[counts].tolist()]
        items["name_len"][counts] = [len(name) for name in count_ids]
        name_cut = np.searchsorted(counts, start).tolist()
        cut = start.tolist()
        made: list[list[DeltaBody]] = [[] for _ in w.taken]
        for g in np.flatnonzero(np.diff(start)).tolist():
            a, b = cut[g], cut[g + 1]
            body = items[a:b].tobytes() + b"".join(count_ids[name_cut[g] : name_cut[g + 1]])
            made[g // n_targets].append((g % n_targets, b - a, body))
        return made

    def _lessons(self, w: RoundWork) -> list[Items]:
        """Per partition: its lessons for the finish model (n,) of LESSON."""
        n = int(w.out.n_lessons[0])
        event = w.out.lesson_event[:n]
        lessons = np.zeros(n, LESSON)
        lessons["event_hash"] = w.events.event_hash[event].view(np.uint64)
        lessons["weight"] = 1.0 / max(self._settings.lessons_rate, 1e-9)
        lessons["label"] = (w.out.flags[event] & FINISHED) != 0
        lessons["x"] = w.out.lesson_x[:n]
        cut = np.searchsorted(event, w.first).tolist()
        return [lessons[cut[k] : cut[k + 1]] for k in range(len(w.taken))]

    def _listened(self, w: RoundWork) -> list[Items]:
        """Per partition: its listening lessons (n,) of LISTENED."""
        event = w.out.listens.event[: w.out.listens.n[0]]
        cut = np.searchsorted(event, w.first).tolist()
        partition = np.array([t.partition.n for t in w.taken], np.uint16)
        lessons = listened(w.events, w.out, partition[w.part[event]], self._settings.listening_rate)
        return [lessons[cut[k] : cut[k + 1]] for k in range(len(w.taken))]

    def _number(
        self, p: UserPartition, deltas: list[DeltaBody], lessons: tuple[Items, Items]
    ) -> tuple[list[Numbered], list[int], dict[str, int]]:
        """Give each item and lesson the next number of its target."""
        sent, taught = list(p.sent), dict(p.lessons)
        numbered: list[Numbered] = []
        for target, n, body in deltas:
            numbered.append(Numbered(self._deltas_topic, target, pack_section(p.incarnation, p.n, DELTAS, sent[target] + 1, n, body)))
            sent[target] += n
        for pupil, target, some in ((FINISH, FINISH_PARTITION, lessons[0]), *((name, at, lessons[1]) for name, at in self._pupils)):
            if len(some):
                first = taught.get(pupil, 0) + 1
                numbered.append(Numbered(self._lessons_topic, target, pack_lessons(p.incarnation, p.n, first, some)))
                taught[pupil] = first + len(some) - 1
        return numbered, sent, taught

    def _quality(self, w: RoundWork) -> list[list[Command]]:
        """Per partition: what its prequential counters rise by; `recent` of the partition is brought up to date."""
        n_max = len(w.user_ids)
        days, table = np.empty(n_max, np.int64), np.empty((n_max, len(measures.MEASURES)), np.int64)
        n = measures.measures(w.out, w.part, w.events.at_ms // DAY_MS, days, table)
        made: list[list[Command]] = [[] for _ in w.taken]
        for key, row in zip(days[:n].tolist(), table[:n].tolist(), strict=True):
            k, day = key >> 32, str(np.datetime64(key & 0xFFFFFFFF, "D"))
            name = self._keys.quality(w.taken[k].partition.n)
            made[k] += [Command("HINCRBY", name, (f"{day}:{m}", v)) for m, v in zip(measures.MEASURES, row, strict=True) if v]
        recent = np.array([t.partition.recent for t in w.taken])
        measures.recent(w.out, w.part, recent)
        for t, values in zip(w.taken, recent, strict=True):
            t.partition.recent = values
        return made

    def _hidden(self, w: RoundWork) -> set[int]:
        """Events of users who are erased further on in the log (a replay has not got there yet)."""
        hidden: set[int] = set()
        for k, t in enumerate(w.taken):
            if self._erasures.are_ahead(t.partition.n, t.start):
                hidden |= {
                    w.first[k] + j
                    for j, (user, r) in enumerate(zip(t.batch.user_ids, t.records, strict=True))
                    if user and w.events.kind[w.first[k] + j] != ERASE and self._erasures.is_hidden(user, t.partition.n, r.offset)
                }
        return hidden

    def _user_results(self, w: RoundWork, hidden: set[int]) -> list[dict[str, UserResult | None]]:
        """Per partition: each user that an event was applied to; None = erased, and nothing after it."""
        newest: dict[str, int] = {}
        for i in np.flatnonzero(w.out.outcome == plays.APPLIED).tolist():
            newest[w.user_ids[i]] = i
        users = list(newest)
        slots = self._users.slots(users)
        rows = self._users.encode(slots)
        heads = self._users.arrays.head[slots, : history.N_HISTORY].tolist()
        last = self._users.last_tracks(slots).tolist()
        part, has_list = w.part.tolist(), w.lists
        made: list[dict[str, UserResult | None]] = [{} for _ in w.taken]
        for user, head, track, row in zip(users, heads, last, rows, strict=True):
            i = newest[user]
            if i in hidden:
                made[part[i]][user] = (i, b"", row)
            else:
                made[part[i]][user] = (i, self._about(user, head, track), row) if i in has_list else None
        return made

    def _about(self, user: str, head: list[int], last_track: int) -> bytes:
        plays_n, skips, finishes, first_at, last_at, _, session_n, sessions = head
        last = self._names.id(last_track)
        return _json(About(user, plays_n, skips, finishes, last, last_at, session_n, sessions, first_at))
