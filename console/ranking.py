"""The ranking in memory over the third door."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, cast

from console.redis_door import State
from console.trouble import Exit, Trouble
from online_models.weights import BadWeights
from streams.ports import Store
from streams.small_ranking import SmallRanking
from streams.user_rows import BadRow

T = TypeVar("T")


def answer(question: Coroutine[Any, Any, T]) -> T:
    """What a coroutine over rows returns. Raises `Trouble` where rows or weights are another release's."""
    try:
        return asyncio.run(question)
    except (BadRow, BadWeights) as error:
        raise Trouble(Exit.FAILURE, str(error), "segue doctor") from None


def ranking_of(state: State) -> SmallRanking:
    """Rows are read where commands read state."""
    return SmallRanking(state.settings, cast(Store, Reads(state)))


class Reads:
    """The reading half of `streams.ports.Store` over the third door: never waits for a server that is away."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def read(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return [values[0] for values in await self.read_many([(key, (field,)) for key, field in wanted])]

    async def read_many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        return self._state.many(wanted)

    async def text(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self._state.text(key) for key in keys]
