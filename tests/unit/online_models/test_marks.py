"""What a user decides about tracks: each rule by itself, and all of them beside the oracle's reading of the same contract."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from online_models import marks, signals
from online_models.artists import NOT_ASKED, NOT_SAID, NameTable, nobody_said
from online_models.hashmap import new_map, put
from online_models.history import FOR_EVER, HIDDEN, MARKS, N_HIDDEN, N_MARKS, UserArrays, new_users, reset
from online_models.marks import (
    BLOCK,
    BLOCK_ARTIST,
    DISLIKE,
    ENDED,
    LIKE,
    LIKED_CHANCE,
    LIKED_MAX,
    NONE,
    decide,
    is_hidden,
    undo,
    verdict,
    weigh,
)
from online_models.pool import Pool, index, meet, new_pool
from online_models.track_state import ARTIST, PLAYS, TrackArrays, new_tracks
from tests.oracle.marks import Mark, Marks

NOW_MS = 1_764_582_000_000
NOW_S = NOW_MS // 1_000
KINDS = {"": NONE, "like": LIKE, "dislike": DISLIKE, "block": BLOCK, "block artist": BLOCK_ARTIST}
OAK, ELM, ASH = 0x7A11_0C5D_91E2_33F1, 0x1B8E_44A9_D03C_7705, 0x5D02_F7B3_68A1_CC4D


def tree(n: int) -> int:
    """Another track for each `n`: bits as mixed as those of a hash, for the filter."""
    return n * 0x9E3779B97F4A7C15 % 2**63 | 1


Decided = tuple[str, int, int, int, int]
"""(what, track, event, until in s, time in ms); of an undo the event is the undone one."""


def someone() -> UserArrays:
    return new_users(1, 4, 1)


def decided(*events: Decided) -> UserArrays:
    users = someone()
    for event in events:
        tell(users, event)
    return users


def tell(users: UserArrays, event: Decided) -> None:
    what, track, number, until_s, at_ms = event
    if what == "undo":
        undo(users, 0, number)
    elif what.startswith("un"):
        decide(users, 0, track, KINDS[what.removeprefix("un")], ENDED, number, at_ms)
    else:
        decide(users, 0, track, KINDS[what], until_s, number, at_ms)


def said(what: str, event: int, *, track: int = OAK, until_s: int = FOR_EVER, at_ms: int = NOW_MS) -> Decided:
    return what, track, event, until_s, at_ms


def holds(*events: Decided, at_ms: int = NOW_MS) -> int:
    return verdict(decided(*events), 0, OAK, at_ms)


@pytest.mark.parametrize(
    ("first", "second", "third", "left"),
    [
        ("like", "dislike", "", DISLIKE),
        ("dislike", "like", "", LIKE),
        ("block", "like", "", LIKE),
        ("like", "block", "", BLOCK),
        ("dislike", "block", "unblock", DISLIKE),
        ("like", "block", "unblock", LIKE),
        ("block", "unblock", "", NONE),
        ("block", "block", "unblock", NONE),
        ("unblock", "", "", NONE),
        ("like", "unblock", "", LIKE),
        ("block", "unblock", "block", BLOCK),
    ],
)
def test_the_latest_decision_about_a_track_wins(first: str, second: str, third: str, left: int) -> None:
    assert holds(*(said(what, event) for event, what in enumerate((first, second, third), 1) if what)) == left


def test_a_decision_about_one_track_says_nothing_of_another() -> None:
    users = decided(said("block", 1), said("like", 2, track=ELM))
    assert [verdict(users, 0, track, NOW_MS) for track in (OAK, ELM, ASH)] == [BLOCK, LIKE, NONE]


def test_a_block_ends_by_the_time_of_the_event_that_is_answered() -> None:
    events = said("dislike", 1), said("like", 2), said("block", 3, until_s=NOW_S + 60)
    assert [holds(*events, at_ms=NOW_MS + ms) for ms in (-(10**9), 0, 59_999, 60_000, 10**9)] == [BLOCK, BLOCK, BLOCK, LIKE, LIKE]


def test_the_latest_block_says_when_it_ends() -> None:
    longer, shorter = said("block", 1), said("block", 2, until_s=NOW_S - 1)
    assert (holds(longer, shorter), holds(shorter, longer)) == (NONE, BLOCK)


@pytest.mark.parametrize("undone", [1, 2, 3, 4])
def test_what_is_undone_might_never_have_been(undone: int) -> None:
    events = [said("dislike", 1), said("like", 2), said("block", 3), said("unblock", 4)]
    rest = [event for event in events if event[2] != undone]
    assert holds(*events, said("undo", undone)) == holds(*rest)


def test_an_undo_of_what_is_not_there_changes_nothing() -> None:
    assert holds(said("like", 1), said("undo", 9), said("undo", 1), said("undo", 1), said("dislike", 2)) == DISLIKE


def n_filtered(users: UserArrays) -> int:
    return int(users.head[0, N_HIDDEN])


class TestFull:
    """`MARKS` decisions, and more to come."""

    def test_likes_give_way_first_then_dislikes_then_blocks_that_do_not_end(self) -> None:
        kinds = ["block", "dislike", "like"] * 40
        users, order = someone(), []
        kind_of = {tree(100 + n): kind for n, kind in enumerate(kinds[:MARKS])}
        for n, kind in enumerate(kinds[:MARKS]):
            tell(users, said(kind, n, track=tree(100 + n)))
        for n in range(MARKS):
            before = set(users.mark_track[0].tolist())
            tell(users, said("block", 1_000 + n, track=tree(1_000 + n), until_s=NOW_S + 60))
            (out,) = before - set(users.mark_track[0].tolist())
            order.append(kind_of[out])
        assert order == sorted(order, key=("like", "dislike", "block").index)
        for kind in ("like", "dislike", "block"):
            assert kind in order
        hidden = [is_hidden(users, 0, tree(100 + n), NOW_MS) for n in range(MARKS)]
        assert hidden == [kind != "like" for kind in kinds[:MARKS]]

    def test_what_says_nothing_any_more_gives_way_before_anything(self) -> None:
        ended = said("block", 1, until_s=NOW_S - 60)
        users = decided(said("like", 0), ended, *(said("dislike", n, track=ELM) for n in range(2, MARKS)))
        tell(users, said("like", 900, track=ASH))
        assert n_filtered(users) == 0 and users.mark_track[0, 0] == OAK and users.mark_track[0, 1] == ELM
        tell(users, said("like", 901, track=ASH))
        assert n_filtered(users) == 1, "dislikes before another dislike: they hide what they hid"

    def test_however_many_tracks_are_blocked_none_comes_back(self) -> None:
        users = someone()
        tracks = Random(5).sample(range(1, 2**62), 1_500)
        for n, track in enumerate(tracks):
            tell(users, said(("block", "dislike")[n % 2], n, track=track))
        assert all(is_hidden(users, 0, track, NOW_MS) for track in tracks)
        strangers = Random(6).sample(range(1, 2**62), 5_000)
        assert sum(is_hidden(users, 0, track, NOW_MS) for track in strangers) < 0.03 * len(strangers)

    @pytest.mark.parametrize("what", ["unblock", "like"])
    def test_what_the_filter_hides_comes_back_when_it_is_asked_for_and_stays(self, what: str) -> None:
        users = decided(*(said("block", n, track=tree(100 + n)) for n in range(MARKS + 20)))
        assert n_filtered(users) == 20
        tell(users, said(what, 500, track=tree(100)))
        for n in range(3 * MARKS):
            tell(users, said("block", 1_000 + n, track=tree(1_000 + n)))
        assert not is_hidden(users, 0, tree(100), NOW_MS) and is_hidden(users, 0, tree(101), NOW_MS)

    def test_whoever_is_erased_gives_the_filter_back(self) -> None:
        users = decided(*(said("block", n, track=tree(100 + n)) for n in range(MARKS + 1)))
        free = int(users.free_2[0])
        reset(users, 0)
        assert (users.free_2[0], users.head[0, HIDDEN], users.head[0, N_MARKS]) == (free + 1, 0, 0)
        assert not is_hidden(users, 0, tree(100), NOW_MS)


def a_life(seed: int, n: int, n_tracks: int) -> list[Decided]:
    """Decisions of somebody who has many, in the order of time."""
    rng, events = Random(seed), []
    for number in range(1, n + 1):
        at_ms = NOW_MS + number * 1_000
        what = rng.choice(("like", "dislike", "block", "block", "unblock", "undo", "block artist", "unblock artist"))
        track = tree(rng.randrange(n_tracks) + 10_000 * what.endswith("artist"))
        until_s = NOW_S + rng.randrange(2 * n) if what.startswith("block") and rng.random() < 0.4 else FOR_EVER
        events.append((what, track, rng.randint(1, number) if what == "undo" else number, until_s, at_ms))
    return events


class Everything(Marks):
    """Never forgets a decision; but an unblock takes dislikes along, for a filter does not know why it hides a track."""

    def add(self, mark: Mark, at_ms: int) -> None:
        self.kept.append(mark)

    def unblock(self, track: int, event: int, at_ms: int, kind: str = "block") -> None:
        self.kept = [mark for mark in self.kept if (mark.kind, mark.track) != ("dislike", track)]
        super().unblock(track, event, at_ms, kind)


def reference(model: Marks, event: Decided) -> None:
    what, track, number, until_s, at_ms = event
    if what == "undo":
        model.undo(number)
    elif what.startswith("un"):
        model.unblock(track, number, at_ms, what.removeprefix("un"))
    else:
        model.add(Mark(what, track, number, until_s), at_ms)


@pytest.mark.parametrize("seed", range(12))
def test_kernels_and_the_oracle_read_the_contract_alike(seed: int) -> None:
    users, model = someone(), Marks()
    for event in a_life(seed, 600, (30, 120, 400)[seed % 3]):
        tell(users, event)
        reference(model, event)
        n = users.head[0, N_MARKS]
        columns = (array[0, :n].tolist() for array in (users.mark_kind, users.mark_track, users.mark_event, users.mark_until))
        assert list(zip(*columns, strict=True)) == [(KINDS[m.kind], m.track, m.event, m.until_s) for m in model.kept]
    bits = int.from_bytes(users.tier_2[users.head[0, HIDDEN]].tobytes(), "little") if users.head[0, HIDDEN] else 0
    assert (n_filtered(users), bits) == (model.filter.n, model.filter.bits)
    assert model.filter.n > 0 or seed % 3 == 0
    for track in {event[1] for event in a_life(seed, 600, 400)}:
        for at_ms in (NOW_MS, NOW_MS + 600_000, NOW_MS + 10**8):
            assert verdict(users, 0, track, at_ms) == KINDS[model.holds(track, at_ms)]


@pytest.mark.parametrize("seed", range(12))
def test_bounded_memory_hides_too_much_rather_than_too_little(seed: int) -> None:
    """Beside a model that forgets nothing: what it hides is hidden here, too, when each next event is answered."""
    users, model, n_more = someone(), Everything(), 0
    events = a_life(seed, 500, 150)
    tracks = sorted({event[1] for event in events})
    for event, after in pairwise(events):
        tell(users, event)
        reference(model, event)
        for track in tracks[event[2] % 10 :: 10]:
            hidden = is_hidden(users, 0, track, after[4])
            assert hidden or not model.hides(track, after[4])
            n_more += hidden and not model.hides(track, after[4])
    assert n_more > 0, "the filter is at work"


def candidates(*chances: tuple[int, float]) -> Pool:
    pool = new_pool()
    for track, chance in chances:
        pool.chance[meet(pool, track)] = chance
    return pool


def weighed(pool: Pool, users: UserArrays, names: NameTable | None = None, tracks: TrackArrays | None = None) -> list[int]:
    """Let what was decided change the chances; returns the tracks that were noted as missing."""
    missing = np.zeros(64, np.int64)
    weigh(pool, users, 0, NOW_MS, names or nobody_said(*new_map(1)), tracks or new_tracks(1, *new_map(1), 1, 1, 1), missing)
    found: list[int] = missing[1 : missing[0] + 1].tolist()
    return found


def chance_of(pool: Pool, track: int) -> float:
    return float(pool.chance[index(pool, track)])


def test_what_is_hidden_has_no_chance_and_what_is_liked_has_three_times_the_odds() -> None:
    pool = candidates((OAK, 0.5), (ELM, 0.2), (ASH, 0.1))
    for track in (OAK, ELM, ASH):
        pool.signal[signals.TIMES, index(pool, track)] = 1.0
    weighed(pool, decided(said("like", 1), said("dislike", 2, track=ELM)))
    assert [chance_of(pool, track) for track in (OAK, ELM, ASH)] == pytest.approx([0.75, 0.0, 0.1])


def test_likes_of_a_track_add_up_to_one() -> None:
    pool = candidates((OAK, 0.5))
    weighed(pool, decided(said("like", 1), said("like", 2), said("like", 3)))
    assert chance_of(pool, OAK) == pytest.approx(0.75)


def test_the_newest_likes_of_what_was_not_played_lately_become_candidates() -> None:
    pool = candidates((OAK, 0.5), (ELM, 0.001))
    weighed(pool, decided(*(said("like", n, track=20 + n) for n in range(9)), said("like", 30, track=ELM)))
    joined = [index(pool, 20 + n) >= 0 for n in range(9)]
    assert joined == [n >= 9 - (LIKED_MAX - 1) for n in range(9)], "one of the places is the elm's"
    assert chance_of(pool, ELM) == chance_of(pool, 28) == pytest.approx(LIKED_CHANCE)
    assert pool.via[index(pool, 28)] == 1 << signals.LIKED_BIT and pool.via[index(pool, OAK)] == 0


def test_what_the_filter_hides_has_no_chance() -> None:
    users = decided(*(said("block", n, track=tree(100 + n)) for n in range(MARKS + 5)))
    pool = candidates(*((tree(100 + n), 0.5) for n in range(MARKS + 5)), (OAK, 0.5))
    weighed(pool, users)
    assert np.flatnonzero(pool.chance[: pool.n[0]]).tolist() == [index(pool, OAK)]


QUEEN, ABBA = tree(70_001), tree(70_002)


def made(*told: tuple[int, int]) -> tuple[NameTable, TrackArrays]:
    """Tracks that are known by name alone, and what Redis said of who made them; no row is in memory."""
    table = nobody_said(*new_map(len(told)))
    for place, (track, artist) in enumerate(told):
        put(table.keys, table.slots, track, place)
        table.artist[place] = artist
    return table, new_tracks(1, *new_map(1), 1, 1, 1)


def with_row(tracks: TrackArrays, track: int, plays: int, artist: int) -> TrackArrays:
    put(tracks.map_keys, tracks.map_slots, track, 0)
    tracks.head[0, [PLAYS, ARTIST]] = plays, artist
    return tracks


def test_tracks_of_a_blocked_artist_have_no_chance_however_they_are_liked() -> None:
    pool = candidates((OAK, 0.5), (ELM, 0.2), (ASH, 0.1))
    users = decided(said("like", 1), said("block artist", 2, track=QUEEN), said("like", 3))
    weighed(pool, users, *made((OAK, QUEEN), (ELM, ABBA), (ASH, NOT_SAID)))
    assert np.flatnonzero(pool.chance[: pool.n[0]]).tolist() == [1, 2]


@pytest.mark.parametrize(
    "more", [said("unblock artist", 2, track=QUEEN), said("undo", 1), said("block artist", 2, track=QUEEN, until_s=NOW_S)]
)
def test_an_artist_is_shown_again_when_the_block_has_ended(more: Decided) -> None:
    pool = candidates((OAK, 0.5))
    assert weighed(pool, decided(said("block artist", 1, track=QUEEN), more), *made((OAK, QUEEN))) == []
    assert chance_of(pool, OAK) == 0.5


def test_who_blocked_an_artist_sees_nothing_before_it_is_known_who_made_it() -> None:
    pool = candidates((OAK, 0.5), (ELM, 0.4))
    asked = weighed(pool, decided(said("block artist", 1, track=QUEEN)), *made((OAK, NOT_ASKED), (ELM, NOT_SAID)))
    assert asked == [OAK] and pool.chance[:2].tolist() == pytest.approx([0.0, 0.4])


def test_who_blocked_nobody_need_not_wait() -> None:
    pool = candidates((OAK, 0.5))
    assert weighed(pool, decided(said("block", 1, track=ELM)), *made((OAK, NOT_ASKED))) == [] and chance_of(pool, OAK) == 0.5


@pytest.mark.parametrize(
    ("plays", "artist", "named", "chance"), [(3, QUEEN, ABBA, 0.0), (3, ABBA, QUEEN, 0.5), (3, 0, NOT_ASKED, 0.5), (0, 0, QUEEN, 0.0)]
)
def test_the_row_says_who_made_a_track_before_its_name_does(plays: int, artist: int, named: int, chance: float) -> None:
    pool, (names, tracks) = candidates((OAK, 0.5)), made((OAK, named))
    weighed(pool, decided(said("block artist", 1, track=QUEEN)), names, with_row(tracks, OAK, plays, artist))
    assert chance_of(pool, OAK) == chance


def test_an_artist_whose_block_gave_way_stays_hidden() -> None:
    users = decided(said("block artist", 0, track=QUEEN), *(said("block", n, track=tree(100 + n)) for n in range(1, MARKS + 5)))
    pool = candidates((OAK, 0.5), (ELM, 0.4))
    assert QUEEN not in users.mark_track[0]
    weighed(pool, users, *made((OAK, QUEEN), (ELM, ABBA)))
    assert pool.chance[:2].tolist() == pytest.approx([0.0, 0.4])


def test_the_kinds_are_those_of_the_row() -> None:
    assert (marks.NONE, marks.LIKE, marks.DISLIKE, marks.BLOCK, marks.BLOCK_ARTIST, marks.ENDED) == (0, 1, 2, 3, 4, 0)
