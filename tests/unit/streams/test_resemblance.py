"""`segue similar`: two views of what people play, told apart, blended, and exact where every track is looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from console.artists import Artists
from console.trouble import Trouble
from online_models.neighbours import NEAR
from streams.resemblance import BOTH, PLAYED_NEAR, SAME_COMPANY, Alike, Nearest, by_artist, candidates, compare, together
from streams.small_ranking import SmallRanking
from tests.recorded_log import RecordedLog, audience_log

N_PLAYS, N_USERS, N_SEEDS = 3_000, 40, 60


class Known(NamedTuple):
    """What was played, and the rows in memory."""

    recorded: RecordedLog
    world: SmallRanking
    tracks: list[str]
    artists: Artists


@pytest.fixture(scope="module")
def known() -> Known:
    async def opened() -> Known:
        recorded = await RecordedLog(audience_log(N_PLAYS, N_USERS)).run()
        world = SmallRanking(recorded.settings, recorded.store)
        await world.open("nobody", 0, None)
        makers = {play["track_id"]: play["artist"] for play in recorded.events}
        return Known(recorded, world, sorted(makers), Artists(makers))

    return asyncio.run(opened())


def _alike(known: Known, track: str) -> list[Alike]:
    seed = known.world.names.hash(track)
    return compare(known.world, seed, asyncio.run(candidates(known.world, seed)))


def _genre(track: str) -> str:
    return track.split("-")[1]


def test_what_is_alike_is_of_the_same_genre_and_artist_and_no_view_alone_tells_more(known: Known) -> None:
    rng, shares = np.random.default_rng(1), []
    for track in rng.permutation(known.tracks)[:N_SEEDS].tolist():
        found = _alike(known, track)
        if len(found) >= 20:
            by_near, by_company = sorted(found, key=lambda a: -a.near), sorted(found, key=lambda a: -a.company)
            shares.append([_same(known, track, some) for some in (found[:10], by_near[:10], by_company[:10], found)])
    blend, near, company, everything = np.mean(shares, axis=0)
    assert len(shares) > N_SEEDS / 2
    assert blend[0] > 0.7 and blend[0] > 1.5 * everything[0]
    assert blend[1] > 0.4 and blend[1] > 3 * everything[1]
    assert (blend >= np.maximum(near, company) - 0.02).all() and (blend > np.minimum(near, company)).all()


def _same(known: Known, track: str, some: list[Alike]) -> tuple[float, float]:
    names = [str(known.world.names.id(alike.track)) for alike in some]
    same_artist = [known.artists.key(name) == known.artists.key(track) for name in names]
    return float(np.mean([_genre(name) == _genre(track) for name in names])), float(np.mean(same_artist))


def test_each_line_says_which_view_speaks_for_it(known: Known) -> None:
    for track in known.tracks[:20]:
        found = _alike(known, track)
        assert [a.score for a in found] == sorted((a.score for a in found), reverse=True)
        best_near, best_company = max((a.near for a in found), default=1), max((a.company for a in found), default=1)
        for alike in found:
            assert 0 <= alike.near <= 1.001 and -1.001 <= alike.company <= 1.001
            near, company = alike.near / best_near, max(alike.company, 0) / best_company
            assert alike.score == pytest.approx((near + company) / 2, abs=1e-5)
            assert {PLAYED_NEAR: near > 2 * company, SAME_COMPANY: company > 2 * near, BOTH: near > 0}[alike.says]


def test_near_is_read_from_either_row(known: Known) -> None:
    """A row is bounded: what one of the two let go, the other may still hold."""
    track = next(t for t in known.tracks if len(_alike(known, t)) > 20)
    seed = known.world.names.hash(track)
    before = {alike.track: alike.near for alike in _alike(known, track)}
    rows = known.world.tracks.arrays.neighbours
    slot = int(known.world.tracks.slots(np.array([seed]))[0])
    others = np.array(list(before), np.int64)
    kept, rows.n[slot] = int(rows.n[slot]), 0
    after = {alike.track: alike.near for alike in compare(known.world, seed, others)}
    rows.n[slot] = kept
    assert rows.total[slot, NEAR] > 0
    assert sum(after.values()) == pytest.approx(sum(before.values()), rel=0.02)


def test_the_nearest_of_all_are_those_of_a_plain_search(known: Known) -> None:
    store, names = known.recorded.store.redis, known.world.names
    rows = {key: store.hash(key)["row"] for key in store.keys() if ":track:" in key}  # noqa: SIM118  (a method of its own)
    ids = {key: key.rpartition(":")[2] for key in rows}
    vectors = np.array([np.frombuffer(row, "<f4", 64, offset=8 + 64 + 8 + 32) for row in rows.values()])
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    for track in known.tracks[::50]:
        _alike(known, track)
        nearest = Nearest(known.world, names.hash(track), 15)
        pairs = [(ids[key], row) for key, row in rows.items()]
        for start in range(0, len(pairs), 100):
            nearest.show(pairs[start : start + 100])
        nearest.show(pairs[:100])  # a scan may name a key twice
        me = list(ids.values()).index(track)
        cosine = unit @ unit[me]
        cosine[me] = -2
        plain = sorted(cosine.tolist(), reverse=True)[:15]
        places = [list(ids.values()).index(str(names.id(int(h)))) for h in nearest.hashes()]
        assert cosine[places].tolist() == pytest.approx(plain, abs=1e-5) and len(set(places)) == 15


def test_several_seeds_are_answered_as_one() -> None:
    def one(track: int, score: float, near: float) -> Alike:
        return Alike(track, score, near, near, 1, BOTH)

    found = together([[one(1, 1.0, 0.5), one(2, 0.4, 0.2)], [one(2, 0.8, 0.4), one(3, 0.1, 0.1)]], {3})
    assert [(a.track, a.score, a.near, a.followed) for a in found] == [(2, pytest.approx(0.6), 0.4, 2), (1, 0.5, 0.5, 1)]
    assert by_artist([(found[0], "A"), (found[1], "B"), (found[1], "A"), (found[1], None)]) == [("A", pytest.approx(1.1)), ("B", 0.5)]


def test_a_catalogue_tells_who_made_a_track_however_the_name_is_written(tmp_path: Path) -> None:
    file = tmp_path / "songs.csv"
    file.write_text("track_id,track_artist\nt1,Sigur  Rós\nt2,SIGUR RO\u0301S\nt3,\nt4,Björk\n")
    artists = Artists.read(file)
    assert (artists.tracks("sigur rós"), artists.name("t3"), artists.name("t9")) == (["t1", "t2"], None, None)
    assert artists.key("t1") == artists.key("t2") != artists.key("t4")
    with pytest.raises(Trouble, match="no artist 'Bjork'") as trouble:
        artists.tracks("Bjork")
    assert "--artist Björk" in trouble.value.next_command or "--artist 'Björk'" in trouble.value.next_command
    with pytest.raises(Trouble, match="name a file"):
        Artists.read(None).tracks("Björk")
    file.write_text("track_id,mood\nt1,calm\n")
    with pytest.raises(Trouble, match="looks like an artist"):
        Artists.read(file)
