"""Where a track stands among the candidates of a list, and why it is not in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import fatigue, history, marks
from online_models.arrays import F32
from online_models.artists import NOT_ASKED, NOT_SAID, artist_of
from online_models.items import SKIPPED
from online_models.rank import LENGTH
from streams.small_ranking import Ranked, SmallRanking
from streams.track_rows import TrackRows

NEXT, DISCOVER = LISTS = ("next", "discover")


class Standing(NamedTuple):
    """A track and one list of a fresh ranking."""

    place: int | None
    """1.. in the list; None = it is not there."""
    why_not: str
    """"" where it is there."""


def standing(world: SmallRanking, found: Ranked, track: int, name: str) -> Standing:
    """Where `track` (a hash) stands in the list `name` of the ranking `found` of the world's user, and if not there, why."""
    listed = found.next if name == NEXT else found.discover
    i = found.place(track)
    at = np.flatnonzero(listed == i)
    if i >= 0 and len(at):
        return Standing(int(at[0]) + 1, "")
    world.put_back()
    return Standing(None, _why_not(world, found, track, i, name))


def _why_not(world: SmallRanking, found: Ranked, track: int, i: int, name: str) -> str:
    if is_decided(world, track):
        return "the user disliked or blocked it"
    if is_hidden(world, track):
        return "the user blocked its artist"
    if i < 0:
        return f"no source proposes it: {beyond_reach(world, found, track)}"
    if name == DISCOVER and history.has_played(world.users.arrays, world.slot, track):
        return "the user played it before, or is taken to have: about one track in a hundred is confused with a played one"
    chance = chances(found, name)
    rivals = [j for j in range(len(found.key)) if j != i and chance[j] > chance[i] and not is_hidden(world, int(found.key[j]))]
    if name == DISCOVER:
        rivals = [j for j in rivals if not history.has_played(world.users.arrays, world.slot, int(found.key[j]))]
    settings, artist = world.settings, _artist(world, track)
    most = settings.artist_max if name == DISCOVER else settings.artist_max_next
    if most and artist is not None and sum(_artist(world, int(found.key[j])) == artist for j in rivals) >= most:
        return f"{most} likelier tracks of its artist are in the list, and no more may be"
    skips = n_skips(world, track)
    damped = f"; skipped {skips} times lately, which its chance pays for each time" if skips else ""
    worn = f"; shown and passed over lately, which takes {1 - kept:.0%} of its chance" if (kept := _kept(world, track, name)) < 1 else ""
    return f"it is number {len(rivals) + 1}, and a list has {LENGTH} entries{damped}{worn}"


def chances(found: Ranked, name: str) -> F32:
    """The chances by which the list `name` is sorted (n,)."""
    return np.asarray(found.chance * found.fresh if name == DISCOVER else found.chance)


def _kept(world: SmallRanking, track: int, name: str) -> float:
    """Part of the chance of `track` that the times leave it that it was passed over."""
    settings = world.settings
    return fatigue.kept(world.users.arrays, world.slot, track, settings.fatigue if name == DISCOVER else settings.fatigue_next)


def is_hidden(world: SmallRanking, track: int) -> bool:
    """Did the world's user dislike or block `track`, or block its artist as far as it is known, as of their last play?"""
    artist = _artist(world, track)
    return is_decided(world, track) or (artist is not None and is_decided(world, artist))


def _artist(world: SmallRanking, track: int) -> int | None:
    """Hash of who made `track`; None = not known."""
    artist = int(artist_of(world.names.table(), world.tracks.arrays, track))
    return None if artist in {NOT_SAID, NOT_ASKED} else artist


def is_decided(world: SmallRanking, subject: int) -> bool:
    """Did the world's user dislike or block what has this hash, a track or an artist?"""
    users, s = world.users.arrays, world.slot
    return bool(marks.is_hidden(users, s, subject, int(users.head[s, history.LAST_AT])))


def n_skips(world: SmallRanking, track: int) -> int:
    """How often the user skipped `track`, as far as the history goes back."""
    tracks, _, flags = world.history
    return int(np.count_nonzero((tracks == track) & (flags & SKIPPED != 0)))


def beyond_reach(world: SmallRanking, found: Ranked, track: int) -> str:
    """How near `track` comes to being proposed: as a neighbour that is known and was not read."""
    reach = world.ranker.reach
    asked = [*zip(found.session.tolist(), reach.neighbours.tolist(), strict=False), *((t, int(reach.past[1])) for t in found.past.tolist())]
    for asked_of, n_read in asked:
        place = _place_among_neighbours(world.tracks, asked_of, track)
        if place >= n_read:
            return f"it is neighbour {place + 1} of {world.names.id(asked_of)}, of which the first {n_read} are read"
    for album in world.last_album(found.session):
        place = _place_among_neighbours(world.tracks, album, track)
        if place >= reach.album[0]:
            return f"it is number {place + 1} of the last track's album, of which the first {reach.album[0]} are read"
    for artist in world.last_artist(found.session):
        place = _place_among_neighbours(world.tracks, artist, track)
        if place >= reach.made[0]:
            return f"it is number {place + 1} of what the last track's artist made, of which the first {reach.made[0]} are read"
    return (
        "it is not among the neighbours of the last tracks, nor among what the last one's artist made, nor on its album, not in the user's "
        "history and not among the most popular tracks"
    )


def _place_among_neighbours(rows: TrackRows, of: int, track: int) -> int:
    """Place of `track` among the neighbours that the row of `of` holds, the strongest first; -1 = it is none."""
    slot = int(rows.slots(np.array([of], np.int64))[0])
    if slot < 0:
        return -1
    near = rows.arrays.neighbours
    at = np.flatnonzero(near.dst[slot, : near.n[slot]] == track)
    return int(at[0]) if len(at) else -1
