"""What users' partitions numbered and nobody took yet.

An apply moves the cursor first and its records follow, so while cursors stand at the ends of the topics more may be on its way. What
was numbered stands in the users' cursors, and what was taken in those of tracks and models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from streams.sections import watermarks_of

Cursor = Mapping[str, bytes]


def items_owed(users: Sequence[Cursor], tracks: Sequence[Cursor]) -> int:
    """Track items numbered by `users` (by partition) that `tracks` (by partition) did not store.

    >>> items_owed([{"sent": b"[3,5]"}, {}], [{"wm": b'{"0":3}'}, {"wm": b'{"0":4}'}])
    1
    """
    taken = [watermarks_of(cursor) for cursor in tracks]
    owed = 0
    for source, cursor in enumerate(users):
        sent = msgspec.json.decode(cursor.get("sent", b"[]"), type=list[int])
        owed += sum(max(0, n - marks.get(source, 0)) for n, marks in zip(sent, taken, strict=False))
    return owed


def lessons_owed(users: Sequence[Cursor], model: str, cursor: Cursor) -> int:
    """Lessons numbered for `model` that it did not store.

    >>> lessons_owed([{"lessons": b'{"finish":7}'}, {}], "finish", {"wm": b'{"0":5}'})
    2
    """
    marks = watermarks_of(cursor)
    sent = (msgspec.json.decode(user.get("lessons", b"{}"), type=dict[str, int]).get(model, 0) for user in users)
    return sum(max(0, n - marks.get(source, 0)) for source, n in enumerate(sent))
