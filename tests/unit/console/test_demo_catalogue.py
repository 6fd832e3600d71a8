"""The demo's catalogue: what is sent and when, how it sounds, and what becomes of albums that come out unnoticed."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
import numpy as np

from console.audience import Audience
from console.audience_catalogue import GENRES
from console.audience_sound import LABELLED_SHARE, record_of, sound_of
from console.demo_catalogue import RELEASE_EVERY_S, ROWS_PER_S, UNNOTICED, DemoCatalogue
from console.demo_releases import Releases
from online_models.clusters.micro_genres import FIRST_N
from streams.contract import Track


class Kept:
    """A sender that keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        row = msgspec.json.decode(value)
        assert (topic, key.decode()) == ("demo.tracks", row["track_id"])
        self.rows.append(row)


def a_catalogue() -> tuple[Audience, Kept, DemoCatalogue]:
    audience, kept = Audience(seed=3, n_users=20), Kept()
    return audience, kept, DemoCatalogue(audience, 3, kept, "demo.tracks")  # type: ignore[arg-type]


def test_rows_of_the_contract_go_at_their_pace_and_what_people_play_goes_first() -> None:
    audience, kept, catalogue = a_catalogue()
    catalogue.send_due(1.0)
    assert len(kept.rows) == ROWS_PER_S
    catalogue.send_due(catalogue.n_tracks / ROWS_PER_S)
    ids = [row["track_id"] for row in kept.rows]
    assert len(set(ids)) == len(ids) == catalogue.n_tracks >= FIRST_N
    assert all(track.startswith("t-") for track in ids[: audience.catalogue.n_tracks])
    for row in kept.rows[::50]:
        assert msgspec.convert(row, Track).title
    share = np.mean(["genre" in row for row in kept.rows])
    assert abs(share - LABELLED_SHARE) < 0.03


def test_albums_come_out_when_all_else_is_sent_and_what_people_hear_of_goes_at_once() -> None:
    audience, kept, catalogue = a_catalogue()
    list(islice(audience.listens(), 3_000))
    noticed = {track.track_id for album in audience.releases for track in album.tracks}
    catalogue.send_due(0.0)
    assert {row["track_id"] for row in kept.rows} == noticed and noticed
    catalogue.send_due(catalogue.n_tracks / ROWS_PER_S + 2.5 * RELEASE_EVERY_S)
    out = {track.album for track, _ in catalogue.released.values()}
    assert len(kept.rows) == len(noticed) + catalogue.n_tracks + len(catalogue.released) and 1 <= len(out) <= 3
    catalogue.send_due(1_000.0)
    assert len({(track.artist, track.album) for track, _ in catalogue.released.values()}) <= UNNOTICED


def test_genres_can_be_told_by_their_sound() -> None:
    audience, _, _ = a_catalogue()
    tracks = [track for artist in audience.catalogue.artists for album in artist.albums for track in album.tracks]
    x = np.array([[*sound_of(track).values()] for track in tracks])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    genre = np.array([track.genre for track in tracks])
    half = np.arange(len(tracks)) % 2 == 0
    centres = np.array([x[half & (genre == g)].mean(axis=0) for g in range(len(GENRES))])
    found = ((x[~half, None, :] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(found == genre[~half]) > 0.9, "and not by chance"
    assert record_of(tracks[0])["features"] == sound_of(tracks[0])


def test_somebody_who_is_shown_what_came_out_may_hear_it_and_both_are_counted() -> None:
    audience, _, catalogue = a_catalogue()
    listens = audience.listens()
    first = next(listens)
    catalogue.send_due(1_000.0)
    releases = Releases(audience, catalogue.released)
    assert releases.told(0.0) == ""
    for person in audience.people:
        for track in catalogue.released:
            entry = {"track_id": track, "source": "releases"}
            releases.listed(msgspec.json.encode({"user_id": person.user_id, "discover": [entry]}))
    assert releases.n_shown == len(audience.people) * len(catalogue.released)
    releases.listed(msgspec.json.encode({"user_id": first.user_id, "discover": [{"track_id": first.track.track_id, "source": "follows"}]}))
    for listen in islice(listens, 500):
        releases.played(listen)
    assert releases.n_played > 0 and releases.told(1_000.0).startswith("new: ")
    assert f"lists showed it to {len(audience.people)}, " in releases.told(1_000.0)


def test_nobody_hears_what_nobody_is_shown() -> None:
    audience, _, catalogue = a_catalogue()
    catalogue.send_due(1_000.0)
    assert not any(listen.track.track_id in catalogue.released for listen in islice(audience.listens(), 500))
