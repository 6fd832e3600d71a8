"""Lists and charts inside a genre or a mood: labels, the ranker's own order, the exact chart, nothing hidden."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

from console.charts import Chart
from console.labels import Label, Labels, Within, nothing_within, within
from console.lists_within import ListsWithin
from console.trouble import Exit, Trouble
from infra.memory_store import MemoryRedis
from online_models import history
from online_models.moods import MOODS, NAMES, moods_of
from online_models.track_state import POPULAR_HALFLIFE_S
from streams.absences import chances, is_hidden
from streams.small_ranking import SmallRanking
from tests.recorded_log import SETTINGS, RecordedLog, audience_log
from tests.state_in_memory import MemoryState, put_answer, put_catalogue

N_PLAYS, N_USERS = 4_000, 40


def _genre(track: str) -> str:
    return track.split("-")[1]


class Listened(NamedTuple):
    """What was played, and the third door to it."""

    recorded: RecordedLog
    state: MemoryState
    popularity: dict[str, float]
    """log2 of decayed plays at a common time, from the log alone."""

    def labels(self) -> Labels:
        self.state.n_scans = 0
        return Labels(self.state)

    def chart(self, wanted: Within) -> list[tuple[str, float]]:
        return [(one.track, one.log2) for one in Chart(self.state, self.labels(), wanted)]

    async def lists(self, user: str, wanted: Within, n: int = 20) -> tuple[dict[str, list[dict[str, Any]]], SmallRanking]:
        world, labels = await self.recorded.open(user), self.labels()
        made = ListsWithin(world, await world.rank_without(), labels, wanted, Chart(self.state, labels, wanted))
        return {name: made.entries(name, n) for name in ("next", "discover")}, world


def _catalogue(tracks: list[str], makers: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of these tracks: a genre, features at random; every seventh has no genre, every fifth no features."""
    rng, rows = np.random.default_rng(1), list[dict[str, Any]]()
    for n, track in enumerate(tracks):
        row: dict[str, Any] = {"track_id": track, "title": f"Title of {track}", "artist": makers[track]}
        if n % 7:
            row["genre"] = _genre(track)
        if n % 5:
            row["features"] = {"energy": rng.random(), "valence": rng.random(), "tempo": 60 + 120 * rng.random()}
        rows.append(row)
    return rows


def _genres_alone(recorded: RecordedLog) -> list[dict[str, Any]]:
    return [{"track_id": track, "genre": _genre(track)} for track in sorted({play["track_id"] for play in recorded.events})]


def _is_skip(play: Any) -> bool:
    """Neither half a minute nor half of it was heard, and it was not heard to its end."""
    heard, length = play["ms_played"], play["duration_ms"]
    return bool(play["reason_end"] != "trackdone" and heard < 30_000 and 2 * heard < length)


def _log2_popularity(events: Any) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    last_s = max(event["played_at"] for event in events) / 1_000
    for event in events:
        if not event.get("private") and not _is_skip(event):
            total[event["track_id"]] += 2.0 ** ((event["played_at"] // 1_000 - last_s) / POPULAR_HALFLIFE_S)
    return {track: float(np.log2(plays) + last_s / POPULAR_HALFLIFE_S) for track, plays in total.items()}


@pytest.fixture(scope="module")
def listened() -> Listened:
    recorded = asyncio.run(RecordedLog(audience_log(N_PLAYS, N_USERS)).run())
    redis, artists = recorded.store.redis, {play["track_id"]: play["artist"] for play in recorded.events}
    tracks = sorted(artists)
    put_catalogue(redis, SETTINGS, _catalogue(tracks, artists))
    for n, track in enumerate(tracks[::7]):
        likely = (0.9, 0.55)[n % 2]
        put_answer(redis, SETTINGS, track, {_genre(track): likely, "polka": 1 - likely})
    return Listened(recorded, MemoryState(SETTINGS, redis), _log2_popularity(recorded.events))


def test_a_genre_is_the_catalogues_own_or_else_the_models_where_it_is_likely(listened: Listened) -> None:
    tracks = sorted({play["track_id"] for play in listened.recorded.events})
    labels = listened.labels().of([*tracks, "nobody's"])
    for n, track in enumerate(tracks):
        label = labels[track]
        assert label.title == f"Title of {track}" and label.artist
        if n % 7:
            assert (label.genre or "").replace("hip hop", "hiphop") == _genre(track), "as the cleaning writes it"
            assert (label.genre_by, label.genre_p) == ("catalogue", None)
        elif n // 7 % 2 == 0:
            assert (label.genre, label.genre_by, label.genre_p) == (_genre(track), "model", 0.9)
        else:
            assert (label.genre, label.genre_by, label.genre_p) == (None, None, None)
        assert n % 5 or label.moods == ()
    assert labels["nobody's"] == Label()
    assert Within("R & B").holds(Label(genre="rnb")) and Within("hip-hop").holds(Label(genre="HipHop"))
    assert not Within("rock", "calm").holds(Label(genre="rock")) and Within().holds(Label())


def test_moods_are_where_the_table_says() -> None:
    for mood in MOODS:
        inside = [(low + high) / 2 if np.isfinite(low) else 0.0 for low, high in mood[1:]]
        assert mood.name in moods_of(*inside)
        for k, (low, _) in enumerate(mood[1:]):
            if np.isfinite(low):
                assert mood.name not in moods_of(*(None if j == k else value for j, value in enumerate(inside)))
                assert mood.name not in moods_of(*(low - 0.01 if j == k else value for j, value in enumerate(inside)))
    assert within(" rock ", "sad") == Within("rock", "sad")
    with pytest.raises(Trouble, match=f"no mood 'gloomy'; there are {', '.join(NAMES)}") as trouble:
        within("", "gloomy")
    assert trouble.value.code == Exit.USAGE


CHARTED = (Within(), Within("rock"), Within("classical"), Within(mood="calm"), Within("jazz", "energetic"))


@pytest.mark.parametrize("wanted", CHARTED, ids=str)
def test_a_chart_is_what_a_look_at_the_whole_log_says(listened: Listened, wanted: Within) -> None:
    labels = listened.labels().of(list(listened.popularity))
    truth = {track: log2 for track, log2 in listened.popularity.items() if wanted.holds(labels[track])}
    found = listened.chart(wanted)
    assert listened.state.n_scans == 1, "read to its end, it looks at every row"
    assert {track for track, _ in found} == truth.keys() and len(found) == len(truth) > 2
    assert [log2 for _, log2 in found] == pytest.approx([truth[track] for track, _ in found], abs=1e-6)
    assert [log2 for _, log2 in found] == sorted((log2 for _, log2 in found), reverse=True)


def test_the_top_of_a_chart_needs_no_look_at_every_row(listened: Listened) -> None:
    first = [one.track for one, _ in zip(Chart(listened.state, listened.labels(), Within("rock")), range(5), strict=False)]
    assert listened.state.n_scans == 0
    assert first == [track for track, _ in listened.chart(Within("rock"))][:5]
    overall = [one.track for one, _ in zip(Chart(listened.state, listened.labels(), Within()), range(100), strict=False)]
    assert listened.state.n_scans == 0 and overall == [track for track, _ in listened.state.popular()]


async def test_candidates_come_as_the_ranker_has_them_and_then_the_chart(listened: Listened) -> None:
    n_ranked = n_filled = 0
    for user in sorted(listened.recorded.of_user())[:12]:
        for wanted in (Within("rock"), Within("classical"), Within(mood="calm")):
            lists, world = await listened.lists(user, wanted)
            played = {play["track_id"] for play in listened.recorded.of_user()[user]}
            chart = [track for track, _ in listened.chart(wanted)]
            labels = listened.labels().of(sorted({play["track_id"] for play in listened.recorded.events}))
            found = await world.rank_without()
            for name, entries in lists.items():
                by_place = zip(found.key, chances(found, name), strict=True)
                chance_of = {str(world.names.id(int(key))): float(chance) for key, chance in by_place}
                inside = [track for track, chance in chance_of.items() if chance > 0 and track in labels and wanted.holds(labels[track])]
                ids = [entry["track_id"] for entry in entries]
                ranked, allowed = ([t for t in some if name == "next" or not _has_played(world, t)] for some in (inside, chart))
                ranked = sorted(ranked, key=lambda track: -chance_of[track])
                mine = [entry for entry in entries if not entry["filled"]]
                assert [entry["score"] for entry in mine] == [chance_of[track] for track in ranked[:20]], "the ranker's order"
                rest = [track for track in allowed if track not in {entry["track_id"] for entry in mine}]
                assert ids[len(mine) :] == rest[: 20 - len(mine)], "the chart's order"
                assert all(entry["source"] == "popular" and entry["score"] == 0.0 for entry in entries if entry["filled"])
                assert len({*ids}) == len(ids) == min(20, len({*ranked, *allowed}))
                assert name == "next" or not {*ids} & played
                assert all(labels[track].genre == _genre(track) for track in ids) if wanted.genre else True
                n_ranked, n_filled = n_ranked + len(mine), n_filled + len(entries) - len(mine)
    assert n_ranked > 200 and n_filled > 200, "both happened"


def _has_played(world: SmallRanking, track: str) -> bool:
    return bool(history.has_played(world.users.arrays, world.slot, world.names.hash(track)))


async def test_sources_and_causes_are_those_that_a_published_list_names() -> None:
    recorded = await RecordedLog(audience_log(N_PLAYS // 4, N_USERS // 4)).run()
    put_catalogue(recorded.store.redis, SETTINGS, _genres_alone(recorded))
    listened, n = Listened(recorded, MemoryState(SETTINGS, recorded.store.redis), {}), 0
    for user in sorted(recorded.of_user()):
        lists = [(await listened.lists(user, Within(genre)))[0] for genre in ("rock", "jazz", "folk")]
        await recorded.play({"type": "unblock", "event_id": f"after-{user}", "user_id": user, "track_id": "never-blocked"})
        for name in ("next", "discover"):
            published = {entry["track_id"]: entry for entry in recorded.lists(user)[name]}
            for entry in (entry for some in lists for entry in some[name] if entry["track_id"] in published and not entry["filled"]):
                same = published[entry["track_id"]]
                if not same.get("explored"):
                    assert (entry["source"], entry["because"]) == (same["source"], same["because"])
                    n += 1
    await recorded.worker.close()
    assert n > 50


async def test_what_is_hidden_is_neither_ranked_nor_filled_in() -> None:
    recorded = await RecordedLog(audience_log(N_PLAYS // 4, N_USERS // 4)).run()
    put_catalogue(recorded.store.redis, SETTINGS, _genres_alone(recorded))
    listened, user = Listened(recorded, MemoryState(SETTINGS, recorded.store.redis), {}), sorted(recorded.of_user())[0]
    before, _ = await listened.lists(user, Within("rock"), 60)
    ranked = [entry["track_id"] for entry in before["next"] if not entry["filled"]][:2]
    filled = [entry["track_id"] for entry in before["next"] if entry["filled"]][:2]
    assert len(ranked) == len(filled) == 2
    for n, track in enumerate((*ranked, *filled)):
        await recorded.play({"type": ("block", "dislike")[n % 2], "event_id": f"no-{n}", "user_id": user, "track_id": track})
    after, world = await listened.lists(user, Within("rock"), 60)
    assert all(is_hidden(world, world.names.hash(track)) for track in (*ranked, *filled))
    for entries in after.values():
        assert entries and not {*ranked, *filled} & {entry["track_id"] for entry in entries}
    await recorded.worker.close()


async def test_somebody_who_did_nothing_yet_gets_a_list_of_the_genre(listened: Listened) -> None:
    world, labels, wanted = SmallRanking(SETTINGS, listened.recorded.store), listened.labels(), Within("jazz")
    await world.open("nobody", 0, None)
    made = ListsWithin(world, await world.rank_without(), labels, wanted, Chart(listened.state, labels, wanted))
    chart = [track for track, _ in listened.chart(wanted)]
    for name in ("next", "discover"):
        assert {entry["track_id"] for entry in made.entries(name, 20)} <= {*chart[:40]} and len(made.entries(name, 20)) == 20


def test_what_is_missing_is_said(listened: Listened) -> None:
    labels = listened.labels()
    unknown = nothing_within(labels, Within("rok"), "else", "segue chart")
    assert "no genre 'rok'; there are rock (" in unknown.message and "classical (" in unknown.message
    assert unknown.next_command == "segue chart --genre rock"
    assert nothing_within(labels, Within("Rock"), "else", "segue chart").message == "else"
    empty = MemoryState(SETTINGS, MemoryRedis())
    with pytest.raises(Trouble, match="there is no catalogue") as trouble:
        Labels(empty).rows.require()
    assert trouble.value.next_command == "segue import catalogue FILE --wait"
    put_catalogue(empty.redis, SETTINGS, [{"track_id": "t1", "title": "x"}])
    nameless = nothing_within(Labels(empty), Within("rock"), "else", "segue chart")
    assert nameless.message == "no track of the catalogue has a genre" and "--map genre=" in nameless.next_command
    moodless = nothing_within(Labels(empty), Within(mood="calm"), "else", "segue chart")
    assert "energy 0 to 0.5" in moodless.message and moodless.next_command == "segue quality catalogue"
    put_catalogue(empty.redis, SETTINGS, [{"track_id": "t1", "genre": "rock", "features": {"energy": 0.9, "valence": 0.9, "tempo": 120}}])
    elsewhere = nothing_within(Labels(empty), Within("rock", "calm"), "else", "segue chart")
    assert "genre 'rock', mood 'calm'" in elsewhere.message and elsewhere.next_command == "segue chart --mood energetic"
