"""A simulated audience: people with tastes, sessions, favourites and skips, all from one seed.

It plays no favourites with Segue: what follows what comes from albums and playlists heard in order
and from each person's own favourites, as in a real service. Time inside is simulated (ms from 0);
`TimeLapse` maps it to the wall clock, always into the past.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from console.audience_catalogue import GENRES, Album, Catalogue, Track

FIRST_NAMES = ("ana", "ben", "cleo", "dan", "eva", "finn", "gia", "hugo", "ida", "jon", "kim", "leo", "mia", "noa", "ole", "pia")
N_FAVOURITES_MAX = 30
FAVOURITES_IN_A_ROW = 6
SESSION_PLAYS_MEAN = 12
PAUSE_BETWEEN_SESSIONS_MS = 20 * 60_000
PAUSE_BETWEEN_PLAYS_MS = 2_000
CHANGE_OF_MIND_SHARE = 0.07
"""Chance per play that someone leaves an album or playlist before its end."""
SKIPS_BEFORE_CHANGE = 3
PRIVATE_SHARE = 0.005
RELEASE_EVERY_MS = 10 * 60_000
RELEASE_IS_NEW_MS = 60 * 60_000
LOOKS_SHARE = 0.3
"""Chance that somebody looks at the list in which something that nobody knows stands."""
JOIN_LATER_SHARE = 0.25
"""This share of the people joins during the first `JOIN_LATER_MS`, so that cold users never end at once."""
JOIN_LATER_MS = 2 * 3_600_000
CALIBRATION_PLAYS = 3_000


class Listen(NamedTuple):
    """One play in simulated time."""

    n: int
    """Counts from 0, in the order in which plays end."""
    started_ms: int
    ended_ms: int
    user_id: str
    session_id: str
    track: Track
    ms_played: int
    reason_end: str
    private: bool


class Person:
    """One listener: tastes are fixed by the seed, favourites grow while listening."""

    def __init__(self, number: int, rng: Random, catalogue: Catalogue) -> None:
        self.user_id = f"{FIRST_NAMES[number % len(FIRST_NAMES)]}-{number:03d}"
        self.rng = rng
        weights = [share * rng.expovariate(1.0) ** 3 for share in catalogue.genre_shares]
        total = sum(weights)
        self.taste = [weight / total for weight in weights]
        self.taste_sums = list(accumulate(self.taste))
        self.artist_love = [rng.gauss(0, 0.5) for _ in catalogue.artists]
        self.curious = Random(f"{self.user_id} is shown")
        """Of its own, so that who is shown nothing plays as if lists did not exist."""
        self.habits = [0.15 + rng.random() * 0.3, 0.1 + rng.random() * 0.2, 0.2 + rng.random() * 0.4, 0.1 + rng.random() * 0.3]
        """How often: albums, playlists, favourites, looking around."""
        self.favourites: list[Track] = []
        self.queue: list[Track] = []
        self.under_way: Track | None = None
        self.avoided: set[str] = set()
        self.n_sessions = 0
        self.plays_left = 0
        self.n_skips_in_a_row = 0

    def willing(self, tracks: list[Track]) -> list[Track]:
        """`tracks` without what this person avoids, unless that is all there is."""
        return [track for track in tracks if track.track_id not in self.avoided] or tracks

    def fit(self, track: Track, artist: int | None) -> float:
        """How well a track suits this person, about -1.5 to 2; None = by an artist whom nobody knows."""
        love = 0.0 if artist is None else self.artist_love[artist]
        return 1.6 * math.sqrt(self.taste[track.genre]) - 0.3 + love + 0.5 * track.charm


class Audience:
    """An endless, seeded stream of listens, ordered by their end.

    >>> first = next(Audience(seed=7).listens())
    >>> first.n, first.started_ms < first.ended_ms
    (0, True)
    """

    def __init__(self, seed: int, *, n_users: int = 400, artists_per_genre: int = 6, albums_per_artist: int = 2) -> None:
        self._rng = Random(seed)
        self.catalogue = Catalogue(self._rng, artists_per_genre=artists_per_genre, albums_per_artist=albums_per_artist)
        self._artist_of = {track.track_id: artist.number for artist in self.catalogue.artists for a in artist.albums for track in a.tracks}
        self.people = [Person(n, Random(f"{seed}-{n}"), self.catalogue) for n in range(n_users)]
        self._by_id = {person.user_id: person for person in self.people}
        self.releases: list[Album] = []
        """Albums that came out since the beginning, oldest first."""
        self._new_until_ms = 0

    def listens(self) -> Iterator[Listen]:
        """Plays in the order of their end; call once per audience."""
        waiting: list[tuple[int, int, int, Track, int, str]] = []
        for number, person in enumerate(self.people):
            heapq.heappush(waiting, self._hear(number, self._arrival_ms(person)))
        next_release_ms = RELEASE_EVERY_MS
        n = 0
        while waiting:
            ended_ms, number, started_ms, track, ms_played, reason = heapq.heappop(waiting)
            if ended_ms >= next_release_ms:
                self._release(ended_ms)
                next_release_ms += RELEASE_EVERY_MS
            person = self.people[number]
            private = person.rng.random() < PRIVATE_SHARE
            session_id = f"s-{person.user_id}-{person.n_sessions}"
            yield Listen(n, started_ms, ended_ms, person.user_id, session_id, track, ms_played, reason, private)
            n += 1
            heapq.heappush(waiting, self._hear(number, ended_ms + self._pause_ms(person)))

    def under_way(self, user_id: str) -> Track | None:
        """What this person hears now: the play that comes next of them."""
        return self._by_id[user_id].under_way

    def offer(self, user_id: str, track: Track) -> None:
        """A list shows this person what they do not know: they may look, and hear it after the play under way if it suits them."""
        person = self._by_id[user_id]
        fits = _sigmoid(2.0 * person.fit(track, self._artist_of.get(track.track_id)))
        if track.track_id not in person.avoided and person.curious.random() < LOOKS_SHARE * fits:
            person.queue.insert(0, track)

    def avoid(self, user_id: str, track_id: str) -> None:
        """This person skipped or blocked the track: from the play after the one under way on, they choose others."""
        person = self._by_id[user_id]
        person.avoided.add(track_id)
        person.queue = [track for track in person.queue if track.track_id != track_id]

    def _arrival_ms(self, person: Person) -> int:
        rng = person.rng
        if rng.random() < JOIN_LATER_SHARE:
            return rng.randrange(JOIN_LATER_MS)
        return rng.randrange(PAUSE_BETWEEN_SESSIONS_MS // 10)

    def _pause_ms(self, person: Person) -> int:
        if person.plays_left > 0:
            return PAUSE_BETWEEN_PLAYS_MS
        return 60_000 + int(person.rng.expovariate(1 / PAUSE_BETWEEN_SESSIONS_MS))

    def _release(self, at_ms: int) -> None:
        artist = self._rng.choice(self.catalogue.artists)
        album = self.catalogue.release(artist)
        self._artist_of.update((track.track_id, artist.number) for track in album.tracks)
        self._new_until_ms = at_ms + RELEASE_IS_NEW_MS
        self.releases.append(album)

    def _hear(self, number: int, started_ms: int) -> tuple[int, int, int, Track, int, str]:
        """The person's next play, as an entry of the queue: (end, person, start, track, ms played, reason)."""
        person = self.people[number]
        if person.plays_left <= 0:
            person.n_sessions += 1
            person.plays_left = 1 + int(person.rng.expovariate(1 / SESSION_PLAYS_MEAN))
            person.queue = []
        person.plays_left -= 1
        if not person.queue or person.rng.random() < CHANGE_OF_MIND_SHARE:
            person.queue = person.willing(self._choose(person, started_ms))
        track = person.under_way = person.queue.pop(0)
        ms_played, reason = self._listen(person, track)
        return started_ms + ms_played, number, started_ms, track, ms_played, reason

    def _choose(self, person: Person, now_ms: int) -> list[Track]:
        """What to hear next: an album in order, a playlist, favourites, or a look around."""
        rng = person.rng
        genre = rng.choices(range(len(GENRES)), cum_weights=person.taste_sums)[0]
        new = self.releases[-1] if self.releases else None
        if new is not None and now_ms < self._new_until_ms and rng.random() < person.taste[new.genre]:
            return list(new.tracks)
        habit = rng.choices(("album", "playlist", "favourites", "around"), person.habits)[0]
        if habit == "favourites" and len(person.favourites) >= 3:
            start = rng.randrange(len(person.favourites))
            return person.favourites[start : start + FAVOURITES_IN_A_ROW]
        if habit == "playlist":
            playlist = rng.choice(self.catalogue.playlists[genre])
            return list(playlist[rng.choice((0, 0, rng.randrange(len(playlist)))) :])
        album = rng.choice(self.catalogue.pick_artist(genre, rng).albums)
        if habit == "around":
            return [rng.choice(album.tracks), rng.choice(album.tracks)]
        return list(album.tracks[rng.choice((0, 0, 0, rng.randrange(len(album.tracks)))) :])

    def _listen(self, person: Person, track: Track) -> tuple[int, str]:
        """How long and how it ends: skips where the taste does not fit, finishes where it does."""
        rng = person.rng
        fit = person.fit(track, self._artist_of.get(track.track_id))
        if rng.random() < _sigmoid(-1.1 - 1.6 * fit):
            person.n_skips_in_a_row += 1
            if person.n_skips_in_a_row >= SKIPS_BEFORE_CHANGE:
                person.queue, person.n_skips_in_a_row = [], 0
            return min(1_500 + int(rng.expovariate(1 / 8_000)), 29_000), "fwdbtn"
        person.n_skips_in_a_row = 0
        if rng.random() < _sigmoid(2.0 + 1.2 * fit - 0.7 * (track.duration_ms / 60_000 - 3.5)):
            self._maybe_keep(person, track, fit)
            return track.duration_ms, "trackdone"
        return int(track.duration_ms * rng.uniform(0.3, 0.85)), rng.choice(("fwdbtn", "endplay"))

    def _maybe_keep(self, person: Person, track: Track, fit: float) -> None:
        if fit > 0.8 and len(person.favourites) < N_FAVOURITES_MAX and track not in person.favourites and person.rng.random() < 0.5:
            person.favourites.append(track)


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


class TimeLapse(NamedTuple):
    """Simulated ms 0 is `start_ms` on the wall clock (epoch ms), and runs `speed` times as fast."""

    start_ms: int
    speed: float

    def wall_ms(self, simulated_ms: int) -> int:
        """
        >>> TimeLapse(1_000_000, 100.0).wall_ms(5_000)
        1000050
        """
        return self.start_ms + int(simulated_ms / self.speed)


def speed_for(rate: float, seed: int, n_users: int) -> float:
    """The speed at which this audience makes about `rate` plays per second, found by listening ahead."""
    rehearsal = Audience(seed, n_users=n_users).listens()
    last = [next(rehearsal) for _ in range(CALIBRATION_PLAYS)]
    settled = last[CALIBRATION_PLAYS // 3 :]
    plays_per_simulated_s = len(settled) / ((settled[-1].ended_ms - settled[0].ended_ms) / 1_000)
    return rate / plays_per_simulated_s


def event(listen: Listen, lapse: TimeLapse, *, run: str) -> dict[str, Any]:
    """The play event of the contract; `run` keeps event ids of two runs apart."""
    track = listen.track
    body: dict[str, Any] = {
        "event_id": f"{run}-{listen.n:07d}",
        "user_id": listen.user_id,
        "track_id": track.track_id,
        "played_at": lapse.wall_ms(listen.started_ms),
        "ms_played": listen.ms_played,
        "duration_ms": track.duration_ms,
        "session_id": listen.session_id,
        "reason_end": listen.reason_end,
        "track": track.title,
        "artist": track.artist,
        "album": track.album,
    }
    if listen.private:
        body["private"] = True
    return body
