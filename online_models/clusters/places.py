"""Who of the fair sample is in which cluster, what there is to tell of it, and the clusters as they are served.

A track is told of when it comes. At a review those of the sample are looked at again, and whoever is elsewhere by then is told of; the
others stay where they were put, or where their cluster went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from online_models.arrays import I64
from online_models.clusters.following import Event, Following
from online_models.clusters.naming import Name, shown
from online_models.clusters.sample import SAMPLE_N, SampleIds
from online_models.clusters.served import MERGED_MAX, Cluster, Placed
from online_models.model import BadSnapshot, Happening, News

NAME_CHARS_MAX: Final = 200
"""Of a cluster's name: it stands in decisions, whose texts end at 256."""
GENRES_MAX: Final = 5
"""Of a cluster, that are served."""
NOWHERE: Final = -1


class Standing(msgspec.Struct, frozen=True):
    """What of it stands in the JSON of a snapshot."""

    kept_share: float
    clusters: list[Cluster]
    merged: list[tuple[int, int]]


class Places:
    """The sample's tracks by id, and the clusters of the last review.

    Parameters
    ----------
    noun: what a cluster without a name is called.
    """

    def __init__(self, noun: str) -> None:
        self.clusters: list[Cluster] = []
        self.merged: list[tuple[int, int]] = []
        self.kept_share = 1.0
        """Of the sample's tracks that the last review left where they were."""
        self._noun = noun
        self.sample = SampleIds()
        self.said: I64 = np.full(SAMPLE_N, NOWHERE)
        """The cluster that was told last, of each of the sample."""
        self._news = News([], {})

    def keep(self, n_tracks: int, track_id: str, found: int | None) -> None:
        """Tell where the `n_tracks`-th track is, and know which of the sample it is."""
        at = self.sample.keep(n_tracks, track_id)
        if at is not None:
            self.said[at] = NOWHERE if found is None else found
        if track_id and found is not None:
            self._tell(track_id, found, n_tracks)

    def reviewed(self, model: Following, placed: I64, names: Sequence[Name], labels: Iterable[Sequence[str]]) -> None:
        """After a review that put the sample's tracks into clusters `placed` (m,), `NOWHERE` = in none; `labels`: the genres of each."""
        before = {cluster.id: cluster for cluster in self.clusters}
        self.clusters = self._described(model, placed, names, labels)
        events, model.events = model.events, []
        for event in events:
            self._happened(event, before)
        said = self.said[: len(placed)]
        known = said != NOWHERE
        self.kept_share = float((placed == said)[known].mean()) if known.any() else 1.0
        for at in np.flatnonzero((placed != said) & (placed != NOWHERE)).tolist():
            if self.sample.ids[at]:
                self._tell(self.sample.ids[at], int(placed[at]), model.n_tracks)
        said[:] = placed

    def take_news(self) -> News:
        """What happened since it was last taken: clusters that came and went, tracks that are somewhere else."""
        news, self._news = self._news, News([], {})
        return news

    def _tell(self, track_id: str, cluster: int, n_tracks: int) -> None:
        self._news.about[track_id] = msgspec.json.encode(Placed(cluster, n_tracks))

    def _described(self, model: Following, placed: I64, names: Sequence[Name], labels: Iterable[Sequence[str]]) -> list[Cluster]:
        genres: dict[int, Counter[str]] = {cluster: Counter() for cluster in (*model.ids, NOWHERE)}
        for mine, cluster in zip(labels, placed.tolist(), strict=True):
            genres[cluster].update(mine)
        found = []
        for cluster, name, text in zip(model.ids, names, shown(names), strict=True):
            share = float((placed == cluster).mean())
            nest = _shares(genres[cluster])
            words, artists = ([term.text for term in terms] for terms in (name.word, name.artist))
            genre, size = next(iter(nest), ""), round(share * model.n_tracks)
            called = text if any(name) else f"{genre or self._noun} {cluster}"
            found.append(Cluster(cluster, called[:NAME_CHARS_MAX], size, round(share, 6), genre, nest, words, artists))
        return found

    def _happened(self, event: Event, before: Mapping[int, Cluster]) -> None:
        now = {cluster.id: cluster for cluster in self.clusters}
        # One that is gone is told of as it stood before; one that was born and went within a review never stood.
        told = now.get(event.cluster) or before.get(event.cluster)
        detail: dict[str, int | float | str] = {"cluster": event.cluster, "tracks": event.at}
        if told is not None:
            detail |= {"name": told.name, "size": told.size, "genre": told.genre}
        if event.other is not None:
            detail["into" if event.what == "merged" else "from"] = event.other
        if event.what == "merged" and event.other is not None:
            self.merged = [*self.merged, (event.cluster, event.other)][-MERGED_MAX:]
        self._news.happened.append(Happening(event.what, str(event.cluster), detail))

    # --- to keep ---------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """For a snapshot, beside `parts`."""
        return Standing(self.kept_share, self.clusters, self.merged)

    def parts(self) -> dict[str, bytes]:
        """Parts "ids" (JSON) and "said" (little-endian)."""
        ids = self.sample.ids
        return {"ids": msgspec.json.encode(ids), "said": self.said[: len(ids)].astype("<i8").tobytes()}

    def take(self, standing: Standing, parts: Mapping[str, bytes], model: Following, n_sampled: int) -> None:
        """What a snapshot said, beside the clusters that it restored. Raises `BadSnapshot`."""
        try:
            ids = msgspec.json.decode(parts["ids"], type=list[str])
            said = np.frombuffer(parts["said"], "<i8")
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if (len(ids), len(said), [cluster.id for cluster in standing.clusters]) != (n_sampled, n_sampled, model.ids):
            raise BadSnapshot("the parts are of different versions")
        self.sample, self.said[: len(said)] = SampleIds(ids), said
        self.clusters, self.merged, self.kept_share = standing.clusters, standing.merged, standing.kept_share


def _shares(genres: Counter[str]) -> dict[str, float]:
    """The most frequent ones; equals by name."""
    best: Sequence[tuple[str, int]] = sorted(genres.items(), key=lambda pair: (-pair[1], pair[0]))[:GENRES_MAX]
    return {genre: round(n / genres.total(), 4) for genre, n in best}
