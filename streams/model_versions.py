"""The versions of a model that stay, and which of them is served.

What a model has learned is the fold of its lessons and never goes back: to fold the same lessons again gives the same model. What is
*served* is a pointer. An operator may turn it to an older version (`segue model pin`, `rollback`), where it stays until it is let
go (`unpin`), while learning and new versions go on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

OLDEST_MS: Final = 7 * 86_400_000
"""A version older than this makes room: nobody goes back further."""
FINEST_MS: Final = 60_000
"""Versions closer together than this are as good as one."""

Verb = Literal["pin", "rollback", "unpin"]


class Version(msgspec.Struct, frozen=True):
    """One snapshot that stays."""

    version: int
    saved_at_ms: int
    lessons: int
    sha256: str
    pieces: int
    """Keys that its parts stand in."""
    scores: dict[str, float | str]


class Wish(msgspec.Struct, frozen=True):
    """What an operator asks of the models worker; the worker answers each once, by its id."""

    id: str
    verb: Verb
    version: int
    """0 with `unpin`."""
    at_ms: int


_decode = msgspec.json.Decoder(list[Version]).decode
_decode_wish = msgspec.json.Decoder(Wish).decode


def decode(raw: bytes | None) -> tuple[Version, ...]:
    """The list as it stands in the store, oldest first; nothing where it cannot be read, so that it begins anew."""
    try:
        return tuple(_decode(raw)) if raw else ()
    except msgspec.MsgspecError:
        return ()


def decode_wish(raw: bytes | None) -> Wish | None:
    """None where there is none that can be read."""
    try:
        return _decode_wish(raw) if raw else None
    except msgspec.MsgspecError:
        return None


def kept(versions: Sequence[Version], n_max: int, pinned: int) -> tuple[Version, ...]:
    """At most `n_max` of `versions` (oldest first), at ages that grow about alike: minutes, hours, days.

    The newest stays, and so does the pinned one (0 = none).

    >>> made = [Version(n, n * 60_000, n, "", 1, {}) for n in range(1, 31)]
    >>> stay: tuple[Version, ...] = ()
    >>> for version in made:
    ...     stay = kept((*stay, version), 5, 2)
    >>> [30 - version.version for version in stay]
    [29, 28, 6, 2, 0]
    """
    found = list(versions)
    while len(found) > n_max:
        free = [n for n, version in enumerate(found[:-1]) if version.version != pinned]
        if not free:
            break
        found.pop(_least_missed(found, free))
    return tuple(found)


def _least_missed(found: Sequence[Version], free: Sequence[int]) -> int:
    now = found[-1].saved_at_ms
    inner = [n for n in free if n > 0]
    if free[0] == 0 and (now - found[0].saved_at_ms > OLDEST_MS or not inner):
        return 0
    age = [math.log(FINEST_MS + max(now - version.saved_at_ms, 0)) for version in found]
    return min(inner, key=lambda n: (age[n - 1] - age[n + 1], n))


def objection(wish: Wish, versions: Sequence[Version], pinned: int) -> str:
    """Why a wish cannot be granted; "" when it can. `pinned`: the version that is pinned, 0 = none."""
    if wish.verb == "unpin":
        return "" if pinned else "nothing is pinned: the newest version is served"
    if all(version.version != wish.version for version in versions):
        return f"version {wish.version} is not kept; there are {', '.join(str(version.version) for version in versions) or 'none'}"
    served = pinned or versions[-1].version
    if wish.verb == "rollback" and wish.version >= served:
        return f"version {wish.version} is not older than {served}, which is served: pin it"
    return f"version {wish.version} is pinned already" if wish.version == pinned else ""
