"""New releases: tracks that hardly anybody played, of the micro-genre that the session leans to, join what `discover` explores.

A track without plays has no neighbours, so no source can propose it. The models worker knows by its sound, words and artist which
micro-genre it belongs to, and keeps the newest of each (`clusters/newest.py`). Those of the one to which most of the session's
last tracks belong become candidates of next to no chance: they stand in a list that would be short without them, and
among those from which a place that explores is drawn (`explore.py`), with the chance that is told of every draw.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import I32, I64
from online_models.clusters.newest import NEWEST_MAX
from online_models.kernel import kernel
from online_models.micro_genres import NO_MICRO_GENRES, MicroGenres, cluster_of
from online_models.moment import Moment
from online_models.pool import Pool, index, meet
from online_models.signals import RELEASE_BIT

RELEASES_MAX: Final = NEWEST_MAX
"""Of a ranking."""
AGES: Final = 0.8
"""The session's k-th last track says so much less than the one before where the session leans to."""
CHANCE: Final = 1e-30
"""Above none, and below what any other candidate has."""


class Releases(NamedTuple):
    """The newest tracks by cluster, and where the tracks that are known by name belong."""

    genres: MicroGenres
    row: I32  # (ids,) by cluster id, those that are gone included: row of `track`, -1 = none
    track: I64  # (rows, RELEASES_MAX) hashes, padded with 0


NO_RELEASES = Releases(NO_MICRO_GENRES, np.zeros(0, np.int32), np.zeros((0, RELEASES_MAX), np.int64))


@kernel
def row_of(releases: Releases, track: int, missing: I64) -> int:
    """Row of the cluster that `track` is in, or -1; who was not asked for yet will be."""
    cluster = cluster_of(releases.genres, track, missing, missing.shape[0])
    return releases.row[cluster] if 0 <= cluster < releases.row.shape[0] else -1


@kernel
def leaning(releases: Releases, moment: Moment, rows: I32, missing: I64) -> int:
    """Row to which most of the session's last tracks belong, each counting `AGES` of the one after it; -1 = to none.

    `rows` (WINDOW,) becomes the row of each of those tracks.
    """
    best, most = -1, 0.0
    for k in range(moment.n[0]):
        rows[k] = row_of(releases, moment.key[k], missing)
        weight = 0.0
        for j in range(k + 1):
            weight += AGES**j if rows[j] == rows[k] else 0.0
        if rows[k] >= 0 and weight > most:
            best, most = rows[k], weight
    return best


@kernel
def join(pool: Pool, releases: Releases, moment: Moment, rows: I32, missing: I64) -> None:
    """The new tracks become candidates: bit k of `via` where the session's k-th last track is of their micro-genre."""
    if releases.track.shape[0] == 0:
        return
    row = leaning(releases, moment, rows, missing)
    if row < 0:
        return
    via = 1 << RELEASE_BIT
    for k in range(moment.n[0]):
        if rows[k] == row:
            via |= 1 << k
    for j in range(RELEASES_MAX):
        track = releases.track[row, j]
        if track != 0 and index(pool, track) < 0:
            i = meet(pool, track)
            pool.via[i] = via
            pool.score[i] = 0.0
            pool.chance[i] = np.float32(CHANCE)
