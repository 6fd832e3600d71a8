"""What artists made, and what is on albums: their rows as the oracle folds them, and the candidates that they bring."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from online_models import history, signals
from online_models.history import new_users
from online_models.items import ITEM, MADE, MADE_LAG, OF_ALBUM, OF_ARTIST, ON_ALBUM
from online_models.moment import Known, Moment, Reach, new_moment
from online_models.pool import Pool, index, new_pool
from online_models.presets import PRESETS
from online_models.sources import made
from online_models.sources.made import PRIOR
from online_models.track_state import ARTIST, apply_items
from streams.track_rows import TrackRows
from tests.oracle.rows import track_row
from tests.oracle.tables import Track
from tests.oracle.tracks import _near_difference, _rest_difference

ANA, BEN = 900, 901
DEBUT = 950
"""An album of ANA."""
FAST = PRESETS["fast"]


def item(of: int, track: int, at_s: int = 1_400_000_000) -> tuple[int, ...]:
    return (of, track, at_s, 0, 0, MADE_LAG, ON_ALBUM if of == DEBUT else MADE, 0)


def rows_of(items: list[tuple[int, ...]], tracks: dict[int, int]) -> TrackRows:
    """Rows of ANA, BEN and DEBUT as these items make them, and of tracks -> who made them."""
    rows = TrackRows(64, FAST)
    for of in (ANA, BEN, DEBUT):
        rows.load(of, 0, None, None, -1, OF_ALBUM if of == DEBUT else OF_ARTIST)
    for track, artist in tracks.items():
        rows.load(track, 0, str(track), None, -1)
        rows.arrays.head[rows.slots(np.array([track])), ARTIST] = artist
    apply_items(rows.arrays, np.array(items, ITEM), np.zeros(len(items), np.int32))
    return rows


@pytest.mark.parametrize(("seed", "of"), [(0, ANA), (1, ANA), (2, ANA), (3, DEBUT), (4, DEBUT)])
def test_a_row_is_what_the_oracle_folds_also_when_it_overflows(seed: int, of: int) -> None:
    rng, artist = Random(seed), Track()
    items = [item(of, 1 + int(rng.paretovariate(0.6)) % 250, 1_400_000_000 + rng.randrange(10**7)) for _ in range(1_500)]
    for src, dst, at_s, *rest, _ in items:
        artist.take((src, dst, at_s, *rest, b""))  # type: ignore[arg-type]
    rows = rows_of(items, {})
    row = track_row(rows.encode(rows.slots(np.array([of])))[0])
    assert row[:7] == (artist.plays, 0, 0, 0, 0, 0, 0) and artist.plays == 1_500
    assert len(row.near) == FAST.neighbours and not row.visits and not any(row.vector)
    assert _near_difference(artist, row) or _rest_difference(artist, row) == ""


class Scene(NamedTuple):
    pool: Pool
    known: Known
    moment: Moment
    reach: Reach

    def signal(self, track: int, signal: int = signals.MADE) -> float:
        i = index(self.pool, track)
        return float(self.pool.signal[signal, i]) if i >= 0 else 0.0

    def via(self, track: int) -> int:
        return int(self.pool.via[index(self.pool, track)])


def asked(rows: TrackRows, last: list[int], told: tuple[int, int] = (0, 0), reach: int = 16, album: int = 0, on_album: int = 16) -> Scene:
    """The source over a session whose last tracks, newest first, are `last`; the play in hand says `told`, the last one `album`."""
    known = Known(new_users(1, 1, 1), rows.arrays, np.zeros(0, np.int64), np.zeros(0, np.float32))
    scene = Scene(new_pool(), known, new_moment(), FAST._replace(made=reach, album=on_album).reach())
    scene.known.users.head[0, history.ALBUM] = album
    scene.moment.key[: len(last)] = last
    scene.moment.slot[: len(last)] = rows.slots(np.array(last, np.int64))
    scene.moment.n[0] = len(last)
    scene.moment.told[:] = told
    made.add(scene.pool, scene.known, 0, scene.moment, scene.reach)
    return scene


def test_the_artist_of_the_last_track_brings_what_they_made_in_proportion_to_its_plays() -> None:
    rows = rows_of([item(ANA, 1)] * 6 + [item(ANA, 2)] * 3 + [item(ANA, 3)] + [item(BEN, 7)] * 5, {1: ANA, 7: BEN, 8: 0})
    scene = asked(rows, [1, 7])
    assert [scene.signal(track) for track in (1, 2, 3, 7)] == pytest.approx([6 / (10 + PRIOR), 3 / (10 + PRIOR), 1 / (10 + PRIOR), 0])
    assert {scene.via(track) for track in (1, 2, 3)} == {1}, "the play of the last track brought it"
    assert asked(rows, [8, 1]).pool.n[0] == 0, "nobody said who made the last track"
    assert asked(rows, []).pool.n[0] == 0


def test_what_is_played_of_late_counts_most() -> None:
    days = 24 * 3600
    old, new = [item(ANA, 1, 1_400_000_000)] * 8, [item(ANA, 2, 1_400_000_000 + 90 * days)] * 3
    scene = asked(rows_of([*old, *new], {1: ANA}), [1])
    assert scene.signal(1) == pytest.approx(1 / (4 + PRIOR), rel=1e-3), "three times half of eight"
    assert scene.signal(2) == pytest.approx(3 / (4 + PRIOR), rel=1e-3)
    late = asked(rows_of([*new, *old], {1: ANA}), [1])
    assert late.signal(1) == pytest.approx(8 / (11 + PRIOR)), "what comes late counts as of now"
    gone = asked(rows_of([*old, item(ANA, 2, 1_400_000_000 + 3_000 * days)], {1: ANA}), [1])
    assert gone.signal(1) < 1e-6 < gone.signal(2)


def test_what_the_play_in_hand_says_stands_before_its_tracks_row() -> None:
    """A track that nobody played before has no row yet: what else its artist made may be all that is known."""
    rows = rows_of([item(ANA, 2), item(BEN, 7)], {1: BEN})
    assert asked(rows, [5, 1], told=(5, ANA)).signal(2) > 0.0
    assert asked(rows, [1], told=(1, ANA)).signal(7) == 0.0
    assert asked(rows, [1], told=(5, ANA)).signal(2) == 0.0, "a late play is not the session's last"


def test_no_further_than_the_preset_reaches() -> None:
    rows = rows_of([item(ANA, n) for n in range(1, 30)], {1: ANA})
    assert asked(rows, [1], reach=16).pool.n[0] == 16
    assert asked(rows, [1], reach=0).pool.n[0] == 0
    assert asked(rows, [7], told=(7, 12_345)).pool.n[0] == 0, "an artist whose row is not there"


def test_the_album_of_the_last_play_brings_what_is_on_it_beside_what_the_artist_made() -> None:
    rows = rows_of([item(ANA, 1)] * 6 + [item(ANA, 2)] * 3 + [item(DEBUT, 2)] * 3 + [item(DEBUT, 3)], {1: ANA})
    scene = asked(rows, [1], album=DEBUT)
    on_album = [scene.signal(track, signals.ALBUM) for track in (1, 2, 3)]
    assert on_album == pytest.approx([0, 3 / (4 + PRIOR), 1 / (4 + PRIOR)])
    assert [scene.signal(track) for track in (1, 2, 3)] == pytest.approx([6 / (9 + PRIOR), 3 / (9 + PRIOR), 0])
    assert [scene.via(track) for track in (1, 2, 3)] == [1, 1, 1]
    assert asked(rows, [1], reach=0, album=DEBUT, on_album=1).pool.n[0] == 1, "no further than the preset reaches"
    assert asked(rows, [1], album=DEBUT, on_album=0).signal(3, signals.ALBUM) == 0.0
    assert asked(rows, [1], album=12_345).signal(2) > 0.0, "an album whose row is not there"
    assert asked(rows, [], album=DEBUT).pool.n[0] == 0
