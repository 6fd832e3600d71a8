"""What the models say of the listener who is followed: the genre and micro-genre they lean to, their segments, and a chart of the genre."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from console.audience import Listen
from console.charts import Chart
from console.labels import Label, Labels, Within
from console.listening import in_words, segments
from console.micro_genre_state import MODEL, cluster_said, served
from console.placing import user_key
from console.redis_door import State
from streams.ports import Clock

LATELY: Final = 10
"""Plays that a leaning is made of."""
SKIPPED_MS: Final = 30_000
CHARTED: Final = 3
RENEWED_AFTER: Final = 5
"""Times that labels are believed: a track without a genre may get one."""


class Music:
    """Asks Redis, as any client could.

    Parameters
    ----------
    """

    def __init__(self, state: State, user_id: str, clock: Clock) -> None:
        self._state, self.user_id, self._clock = state, user_id, clock
        self._heard: deque[str] = deque(maxlen=LATELY)
        self._labels, self._n_asked = Labels(state), 0

    def heard(self, listen: Listen) -> None:
        """A play of theirs; what is private is no client's to know, and a skip says nothing of what they like."""
        if not listen.private and listen.ms_played > SKIPPED_MS:
            self._heard.append(listen.track.track_id)

    def told(self, listed: Sequence[str]) -> list[str]:
        """Some lines, the leaning first; `listed` is their list now."""
        if not self._heard:
            return []
        if self._n_asked % RENEWED_AFTER == 0:
            self._labels = Labels(self._state)
        self._n_asked += 1
        labels = self._labels
        genre, n = self._genre(labels)
        if not genre:
            return ["leans to no genre that the models know yet"]
        known = labels.of(list(listed))
        n_listed = sum(known[track].genre == genre for track in listed)
        lean = f"leans to {genre}: {n} of the last {len(self._heard)} plays, {n_listed} of {len(listed)} listed{self._micro_genre()}"
        return [lean, *self._segments(), *self._chart(labels, genre)]

    def _genre(self, labels: Labels) -> tuple[str, int]:
        known = labels.of(list(self._heard))
        genres = Counter(genre for track in self._heard if (genre := known[track].genre) is not None)
        return genres.most_common(1)[0] if genres else ("", 0)

    def _micro_genre(self) -> str:
        """The micro-genre of most of these plays, or how far the catalogue is from having some."""
        clusters = served(self._state)
        if clusters is None or not clusters.clusters:
            far = f" with {clusters.first_at:,} tracks, {clusters.lessons:,} are learned" if clusters is not None else " with the catalogue"
            return f"; micro-genres come{far}"
        said = self._state.texts([self._state.keys.answer(MODEL, track) for track in self._heard])
        names = Counter(found.name for one in said if (found := cluster_said(one, clusters)) is not None)
        best = f": {names.most_common(1)[0][0]}" if names else ""
        return f"; one of {len(clusters.clusters)} micro-genres{best}" if best else f"; {len(clusters.clusters)} micro-genres"

    def _segments(self) -> list[str]:
        row = self._state.fields(user_key(self._state, self.user_id), ["row"]).get("row")
        found = segments(self._state, row, self._clock.now_ms(), explain=False) if row else {}
        return [", ".join(in_words("segments", found).splitlines())] if found else []

    def _chart(self, labels: Labels, genre: str) -> list[str]:
        first = [_titled(one.label, one.track) for one in islice(Chart(self._state, labels, Within(genre)), CHARTED)]
        return [f"most played in {genre}: {'; '.join(first)}"] if first else []


def _titled(label: Label, track: str) -> str:
    return f"{label.title} · {label.artist}" if label.title and label.artist else track
