"""A radio: a sequence without repeats that flows on from a track, an artist's tracks or a user's taste and stays near it.

Step by step a made-up session is ranked as any session is, the best allowed candidate is chosen, and counts as played. Allowed is what was
not chosen yet, is not blocked, is by no artist of the last few, and lies near enough to the seed: each step of a walk goes to a
neighbour, so without that bound fifty steps end anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

import numpy as np

from online_models import track_state
from online_models.arrays import F32, I64
from online_models.signals import SOURCES
from streams.absences import is_hidden
from streams.radio_rules import SPACING_MAX, Rules
from streams.reasons import CAUSES, ITSELF, brought_by, source_of
from streams.resemblance import candidates, compare, unit_vectors
from streams.small_ranking import Ranked, SmallRanking

HOME: Final = 20
"""The likeliest candidates of the first ranking: how near to the seed its surroundings lie is the mean of theirs."""
TASTE: Final = 16
"""Newest tracks of a user that make the direction of their taste."""
TRACK_MS: Final = 240_000
"""Of a track whose length nobody told."""
LIKE: Final = "similar"
"""Source of what no step proposed: it is like the seed."""


class Artists(Protocol):
    """Who made what."""

    async def know(self, tracks: Iterable[str]) -> None:
        """These will be asked for: one reading for all."""
        ...

    def key(self, track: str) -> str | None:
        """Who made `track`, as names are compared; None = unknown."""
        ...


class Chosen(NamedTuple):
    """One track of the sequence."""

    track: int
    chance: float
    """Of being next, where it was chosen."""
    source: str
    because: list[int]
    """Tracks that brought it, newest first."""
    near: float
    """Cosine of its vector with the seed's direction."""
    far: bool
    """Nothing near enough was left: it is the nearest there was."""


class _Met(NamedTuple):
    """A candidate in the ranking of one step."""

    track: int
    chance: float
    near: float
    found: Ranked | None
    """None: no step proposed it, it is like the seed."""
    place: int


class Seed(NamedTuple):
    """Where a radio starts."""

    plays: list[int]
    """Tracks that are played first, oldest first; they are not part of the sequence. [] = the user's session goes on."""
    around: list[int]
    """What is like them: the last to be chosen."""
    direction: F32 | None  # (DIMENSIONS,) of length 1; None = none of it was played near another track
    anew: bool
    """The user's own plays are put aside: what they hid and liked holds, and the company is the seed's."""


async def seed_of(world: SmallRanking, tracks: list[int]) -> Seed:
    """A radio from some tracks, the most important one last.

    One vector says little (two strangers come to +-.13): the direction is the mean of theirs and of what is most like them.
    """
    around: dict[int, None] = {}
    for track in tracks:
        found = compare(world, track, await candidates(world, track))
        around.update(dict.fromkeys(alike.track for alike in found[:HOME]))
    others = [track for track in around if track not in tracks]
    return Seed(tracks, others, _direction(world, [*tracks, *others]), anew=True)


def seed_of_user(world: SmallRanking) -> Seed:
    """A radio that goes on with the user's session, near their newest tracks."""
    tracks, _, _ = world.history
    return Seed([], [], _direction(world, list(dict.fromkeys(tracks[::-1].tolist()))[:TASTE]), anew=False)


def _direction(world: SmallRanking, tracks: list[int]) -> F32 | None:
    slots = world.tracks.slots(np.array(tracks, np.int64))
    total: F32 = unit_vectors(world, slots[slots >= 0]).sum(0)
    length = np.float32(np.linalg.norm(total))
    return total / length if length > 0 else None


class Radio:
    """A sequence in the making.

    Parameters
    ----------
    seed: with a direction; without one there is nothing to stay near.
    """

    def __init__(self, world: SmallRanking, seed: Seed, rules: Rules, artists: Artists) -> None:
        self._world, self._seed, self.rules, self._makers = world, seed, rules, artists
        assert seed.direction is not None, "the caller has looked"
        self._direction = seed.direction
        world.put_back()
        tracks, _, _ = world.history
        session = tracks[len(tracks) - world.session_n :].tolist()
        self._session: list[int] = session[-SPACING_MAX:]
        self._used = {*session, *seed.plays}
        self._artists: list[str | None] = []
        self._met: dict[int, _Met] = {}
        """Every candidate so far, as it was when it was likeliest."""
        self._at_ms = self._begin_ms()
        if seed.anew:
            world.forget(np.ones(len(tracks), np.bool_))
        self.floor = -1.0
        """The least `near` of a track that is not `far`."""

    def _begin_ms(self) -> int:
        """Behind all that is known of the seed and of the user: what is fresh then is fresh now."""
        slots = self._world.tracks.slots(np.array(self._seed.plays, np.int64))
        newest: list[int] = self._world.tracks.arrays.head[slots[slots >= 0], track_state.POPULAR_AT].tolist()
        _, at_s, _ = self._world.history
        times: list[int] = at_s.tolist()
        return 1_000 * max([1, *newest, *times]) + TRACK_MS

    async def play(self) -> list[Chosen]:
        """The whole sequence; shorter where nothing is left."""
        await self._know([*self._session, *self._seed.plays, *self._seed.around])
        self._artists = [self._artist_of(track) for track in self._session]
        found = await self._first()
        self._met = {
            track: _Met(track, 0.0, near, None, -1)
            for track, near in zip(self._seed.around, self._near(np.array(self._seed.around, np.int64)).tolist(), strict=True)
        }
        self.floor = self._floor(found)
        sequence: list[Chosen] = []
        while len(sequence) < self.rules.length:
            chosen = self._choose(self._meet(found))
            if chosen is None:
                break
            sequence.append(chosen)
            found = await self._on(chosen.track)
        return sequence

    async def _know(self, tracks: list[int]) -> None:
        await self._makers.know([name for track in tracks if (name := self._world.names.id(track)) is not None])

    def _artist_of(self, track: int) -> str | None:
        name = self._world.names.id(track)
        return None if name is None else self._makers.key(name)

    async def _first(self) -> Ranked:
        if not self._seed.plays:
            found = await self._world.rank_without()
            await self._know(found.key.tolist())
            return found
        for track in self._seed.plays:
            found = await self._on(track)
        return found

    async def _on(self, track: int) -> Ranked:
        self._used.add(track)
        self._artists.append(self._artist_of(track))
        slot = int(self._world.tracks.slots(np.array([track], np.int64))[0])
        length_s = int(self._world.tracks.arrays.head[slot, track_state.DURATION_S]) if slot >= 0 else 0
        found = await self._world.rank_behind(track, self._at_ms)
        await self._know(found.key.tolist())
        self._at_ms += 1_000 * length_s or TRACK_MS
        return found

    def _near(self, keys: I64) -> F32:
        slots = self._world.tracks.slots(keys)
        near: F32 = unit_vectors(self._world, np.maximum(slots, 0)) @ self._direction
        near[slots < 0] = -1.0
        return near

    def _floor(self, found: Ranked) -> float:
        if self.rules.drift >= 1.0:
            return -1.0
        home = self._near(found.key[np.argsort(-found.chance, kind="stable")[:HOME]])
        return float(home.mean()) * (1.0 - self.rules.drift)

    def _meet(self, found: Ranked) -> list[_Met]:
        """The candidates of this step; each is remembered as it was when it was likeliest."""
        told = zip(found.key.tolist(), found.chance.tolist(), self._near(found.key).tolist(), strict=True)
        here = [_Met(key, chance, near, found, i) for i, (key, chance, near) in enumerate(told)]
        for met in here:
            before = self._met.get(met.track)
            if before is None or met.chance > before.chance:
                self._met[met.track] = met
        return here

    def _choose(self, here: list[_Met]) -> Chosen | None:
        """The likeliest of this step; else of all that was met; else the nearest of all that was met."""
        for some in (here, self._met.values()):
            likeliest = self._likeliest(some)
            if likeliest is not None:
                return self._told(likeliest, far=False)
        allowed = [met for met in self._met.values() if self._is_allowed(met.track)]
        if not allowed:
            return None
        return self._told(min(allowed, key=lambda met: (-met.near, self._name(met.track))), far=True)

    def _likeliest(self, some: Iterable[_Met]) -> _Met | None:
        """Of those near enough and allowed; equals by name. Whether a track is allowed costs most, so few are asked."""
        best: _Met | None = None
        for met in sorted((met for met in some if met.near >= self.floor), key=lambda met: -met.chance):
            if best is not None and met.chance < best.chance:
                break
            if self._is_allowed(met.track) and (best is None or self._name(met.track) < self._name(best.track)):
                best = met
        return best

    def _told(self, met: _Met, *, far: bool) -> Chosen:
        if met.found is None:
            return Chosen(met.track, met.chance, LIKE, self._seed.plays[-1:], met.near, far)
        because = [track for track, how in brought_by(met.found, met.place).items() if how != ITSELF][:CAUSES]
        return Chosen(met.track, met.chance, SOURCES[source_of(met.found, met.place)], because, met.near, far)

    def _is_allowed(self, key: int) -> bool:
        if key in self._used or self._world.names.id(key) is None or is_hidden(self._world, key):
            return False
        artist, lately = self._artist_of(key), self._artists[::-1][: self.rules.spacing]
        return artist is None or artist not in lately

    def _name(self, key: int) -> str:
        return self._world.names.id(key) or ""
