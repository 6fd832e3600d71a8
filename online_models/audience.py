"""Which users a model of listeners remembers: so many at most, a fair sample of all that it is told of.

A user is remembered while the hash of their id is below a limit. Where there are too many, those silent for months are forgotten
first; then the limit is halved, and everybody above it goes. So who stays says nothing about how they listen, as it would if
the least active ones had to go. The limit stays low: a service that shrinks is learned from a smaller sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from online_models.model import BadSnapshot

SILENT_MS: Final = 60 * 86_400_000
"""Who was not heard of for two months of their partition's time may be forgotten: no question about them waits any longer."""
ALL: Final = 1 << 64


class Member(msgspec.Struct, array_like=True):
    """Of a user: the partition of events that they are in, and when they played last."""

    source: int
    at_ms: int


class Audience:
    """The users remembered.

    Parameters
    ----------
    users_max: how many at most.

    >>> few = Audience(2)
    >>> [few.meet(user, 0, 0, {}) for user in (5, 7, 2**63 - 1, -1)], sorted(few.members)
    ([(True, []), (True, []), (False, []), (False, [])], [5, 7])
    """

    def __init__(self, users_max: int) -> None:
        self.users_max = users_max
        self.limit = ALL
        self.members: dict[int, Member] = {}
        """By the id's hash, as a signed integer."""

    def meet(self, user: int, source: int, at_ms: int, clocks: Mapping[int, int]) -> tuple[bool, list[int]]:
        """A play of `user`: are they remembered, and who is forgotten for their sake?

        Parameters
        ----------
        clocks: the newest event time of each partition.
        """
        if not self._is_below(user):
            return False, []
        member = self.members.get(user)
        if member is not None:
            member.at_ms = max(member.at_ms, at_ms)
            return True, []
        gone = self._silent(clocks) if len(self.members) >= self.users_max else []
        while len(self.members) >= self.users_max and self._is_below(user):
            gone += self._halve()
        if not self._is_below(user):
            return False, gone
        self.members[user] = Member(source, at_ms)
        return True, gone

    def forget(self, user: int) -> Member | None:
        """Take a user out; None when they were not remembered."""
        return self.members.pop(user, None)

    def _is_below(self, user: int) -> bool:
        return (user & (ALL - 1)) < self.limit

    def _silent(self, clocks: Mapping[int, int]) -> list[int]:
        return self._drop([user for user, m in self.members.items() if m.at_ms + SILENT_MS < clocks.get(m.source, 0)])

    def _halve(self) -> list[int]:
        self.limit //= 2
        return self._drop([user for user in self.members if not self._is_below(user)])

    def _drop(self, users: list[int]) -> list[int]:
        for user in users:
            del self.members[user]
        return users

    def state(self) -> bytes:
        """JSON; `from_state` goes on from it."""
        return msgspec.json.encode([self.limit - 1, list(self.members.items())])

    @classmethod
    def from_state(cls, users_max: int, state: bytes) -> Audience:
        """Raises `BadSnapshot`."""
        audience = cls(users_max)
        try:
            limit, members = msgspec.json.decode(state, type=tuple[int, list[tuple[int, Member]]])
        except msgspec.MsgspecError as error:
            raise BadSnapshot(f"no audience: {error}") from error
        audience.limit, audience.members = limit + 1, dict(members)
        return audience
