"""Judges the user side in Redis: cursors and counters, every user's state and newest list."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tests.oracle.fold import PartitionFold
from tests.oracle.lists import Newest, content
from tests.oracle.names import Names, hex_hash, id_hash
from tests.oracle.people import User
from tests.oracle.redis_reads import Keyspace
from tests.oracle.rows import BadRow, UserRow, user_row
from tests.oracle.stored import stored_lists
from tests.oracle.verdict import Findings

COUNTERS = ("applied", "duplicate", "rejected", "private")


class UserAbout(msgspec.Struct):
    """What people read about a user."""

    user_id: str
    plays: int
    skips: int
    finishes: int
    last_track: str | None
    last_at: int
    session_plays: int
    sessions: int
    first_at: int


def judge_cursor(fold: PartitionFold, cursor: Mapping[str, bytes], end: int, incarnation: str, findings: Findings) -> None:
    """Do the partition's counters add up to its log (P1), and has it been read to the end?"""
    partition = fold.rules.partition
    if not cursor:
        if fold.records:
            findings.fault("cursors_wrong", f"events {partition}: no cursor, and the log has {fold.records} records")
            findings.fault("lost", f"events {partition}: nothing was applied", fold.applied)
        return
    told = {name: int(cursor.get(name, b"0")) for name in COUNTERS}
    wanted = dict(zip(COUNTERS, (fold.applied, fold.duplicates, len(fold.rejected), fold.private), strict=True))
    if told != wanted:
        findings.fault("cursors_wrong", f"events {partition}: counted {told}, the log has {wanted}")
    at = int(cursor.get("next", b"-1"))
    if not fold.next <= at <= max(end, fold.next):
        findings.fault("cursors_wrong", f"events {partition}: next is {at}, the log ends at {end} (last readable record {fold.next - 1})")
    if cursor.get("incarnation", b"").decode() != incarnation:
        findings.fault("cursors_wrong", f"events {partition}: incarnation {cursor.get('incarnation')!r}, meta says {incarnation!r}")


def judge_users(fold: PartitionFold, newest: Mapping[str, Newest], names: Names, keyspace: Keyspace, findings: Findings) -> list[str]:
    """Does every user's hash equal the fold, and hold the newest list of the topic? Returns the keys that may stand."""
    living = [(user_id, user) for user_id, user in fold.users.items() if user.newest >= 0]
    keys = [names.user(fold.rules.partition, user_id) for user_id, _ in living]
    for (user_id, user), key, found in zip(living, keys, keyspace.fields(keys, "about", "list", "row"), strict=True):
        about, live, row = found
        difference = _plays_difference(user_id, user, about, findings)
        difference = difference or _row_difference(user, row)
        if difference:
            findings.fault("users_wrong", f"{key}: {difference}")
        difference = _list_difference(user, live, newest.get(user_id))
        if difference:
            findings.fault("lists_wrong", f"{key}: {difference}")
    return keys


def judge_erased(
    fold: PartitionFold,
    last_word: Mapping[str, tuple[int, bool]],
    erasures: Mapping[str, int],
    names: Names,
    keyspace: Keyspace,
    findings: Findings,
) -> None:
    """An erased user who never came back has no key, and a null is the last word on the topic; every erasure is remembered (P8)."""
    for user_id, user in fold.users.items():
        if user.erased_at >= 0 and erasures.get(hex_hash(id_hash(user_id, fold.rules.id_key))) != user.erased_at:
            findings.fault("erased_wrong", f"{user_id!r} was erased at {user.erased_at}, and the topic of erasures does not say so")
    erased = [user_id for user_id, user in fold.users.items() if user.erased_at >= 0 and user.newest < 0]
    keys = [names.user(fold.rules.partition, user_id) for user_id in erased]
    for user_id, key, found in zip(erased, keys, keyspace.fields(keys, "about", "list", "row"), strict=True):
        if any(field is not None for field in found):
            findings.fault("erased_wrong", f"{key} stands, and {user_id!r} was erased at {fold.users[user_id].erased_at}")
        if last_word.get(user_id) != (fold.users[user_id].erased_at, True):
            findings.fault("erased_wrong", f"the newest record of {user_id!r} on recommendations is not the null of the erasure")


def _plays_difference(user_id: str, user: User, about: bytes | None, findings: Findings) -> str:
    if about is None:
        findings.fault("lost", f"{user_id!r} is not in Redis, {user.plays} plays", user.plays)
        return "no `about` in Redis"
    try:
        told = msgspec.json.decode(about, type=UserAbout)
    except msgspec.MsgspecError as error:
        return f"`about` cannot be read: {error}"
    if told.plays != user.plays:
        kind = "lost" if told.plays < user.plays else "double"
        findings.fault(kind, f"{user_id!r} has {told.plays} plays in Redis, {user.plays} in the log", abs(told.plays - user.plays))
    wanted = UserAbout(
        user_id=user_id,
        plays=user.plays,
        skips=user.skips,
        finishes=user.finishes,
        last_track=user.last_track,
        last_at=user.last_at,
        session_plays=user.session_plays,
        sessions=user.sessions,
        first_at=user.first_at,
    )
    return "" if told == wanted else f"`about` is {told}, the fold gives {wanted}"


def _row_difference(user: User, row: bytes | None) -> str:
    if row is None:
        return "no `row` in Redis"
    try:
        told = user_row(row)
    except BadRow as error:
        return str(error)
    counts = (user.plays, user.skips, user.finishes, user.first_at, user.last_at)
    history = [(play.track, play.at_s, play.event, play.flags) for play in user.history]
    wanted = UserRow(
        *counts,
        user.session_plays,
        user.sessions,
        history,
        user.marks.kept,
        int(user.paused),
        int(user.last_forgotten),
        user.marks.filter.n,
        user.marks.filter.bits,
        user.album,
    )
    if told == wanted:
        return ""
    field = next(name for name, a, b in zip(UserRow._fields, told, wanted, strict=True) if a != b)
    return f"`row` has {field} {getattr(told, field)}, the fold gives {getattr(wanted, field)}"[:500]


def _list_difference(user: User, live: bytes | None, newest: Newest | None) -> str:
    if newest is None:
        return ""  # counted as missing from the topic
    if newest.offset != user.newest:
        return f"the newest list on the topic is of offset {newest.offset}, the newest event of {user.newest}"
    if live is None:
        return "no `list` in Redis"
    try:
        told = content(stored_lists(live))
    except ValueError as error:
        return f"`list` cannot be read: {error}"
    return "" if told in newest.contents else f"`list` is not the newest of the topic (offset {newest.offset})"
