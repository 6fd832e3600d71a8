"""What a users' partition tells a tracks' partition: numbered items of 32 bytes, filled and read by kernels.

A *count item* (lag 0) says that `src` was played, and that the artist `dst` made it; it carries the track's id beside it. A
*transition item* says that `dst` was played `lag` plays after `src` in one session; its *twin*, flagged BEFORE, tells `src` that
`dst` came before it. A *made item*, flagged MADE or ON_ALBUM, tells the artist or the album `src` that `dst`, a track of theirs, was
played.
"""

from __future__ import annotations

import numpy as np

from online_models.kernel import kernel

ITEM = np.dtype(
    [
        ("src", "<i8"),
        ("dst", "<i8"),
        ("at_s", "<u4"),
        ("session", "<u4"),
        ("detail", "<u4"),
        ("lag", "u1"),
        ("flags", "u1"),
        ("name_len", "<u2"),
    ]
)
"""32 bytes, little endian; hashes are 64-bit keyed hashes read as signed. `src` owns the row that the item changes; `dst`
of a count item is the hash of the artist (0 = the play did not say). `session` is the tag of the session (0 = a late play, which
belongs to none). `detail` is the track's length in s of a count item (0 = unknown), the tag of who listened of a transition item.
Of a made item both are 0, and `lag` is `MADE_LAG`."""

SKIPPED, FINISHED, GAPLESS, BEFORE, MADE, ON_ALBUM = 1, 2, 4, 8, 16, 32
"""Bits of `flags`; the first two also stand in a user's history. GAPLESS: nothing can have been heard between the two. MADE, ON_ALBUM:
`src` is no track but an artist, an album."""

OF_TRACK, OF_ARTIST, OF_ALBUM = range(3)
"""Whose row an item changes (`whose`)."""

PERSON_SHIFT = 16
"""Bits of a session's tag that are the session's own; those above are its listener's."""

MADE_LAG = 255
"""`lag` of a made item: neither a count (0) nor a transition (1 to WINDOW)."""

WINDOW = 10
"""Earlier plays of the session that a play is tied to. Windows of 10 and 20 measured equal on 30Music."""


@kernel
def whose(flags: int) -> int:
    """OF_TRACK, OF_ARTIST or OF_ALBUM, by an item's flags."""
    if flags & ON_ALBUM:
        return OF_ALBUM
    return OF_ARTIST if flags & MADE else OF_TRACK
