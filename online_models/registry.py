"""Which models learn from lessons, from which partition of the lessons topic, how their lessons are read, and what they may cost.

A partition belongs to one model for ever: an old lesson read by a new model would teach it nonsense.
To change what a model's features or labels mean, retire its line and add a new one.

A model's class is also its codec: `snapshot` gives all of its state as plain data, `restore` goes on from it (`model.py`).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from online_models.clusters.model import MicroGenreModel
from online_models.counts.model import CountsModel
from online_models.finish import FinishModel
from online_models.genres.model import GenreModel
from online_models.lesson_formats import FinishFormat, Format, GenreFormat, ListeningFormat, MicroGenreFormat, TextFormat
from online_models.maps.model import MapModel
from online_models.model import Registered
from online_models.segments.listeners import SegmentsModel
from online_models.texts.model import TextClusterModel


class Entry(NamedTuple):
    """One learning model."""

    name: str
    partition: int
    """Of the lessons topic, never given to another model."""
    kind: type[Registered]
    lessons: Format
    """How its lessons travel."""
    lesson_us: int
    """CPU of one lesson: how many are learned between two turns of the event loop, and how many an audit learns again."""
    unsaved_max: int
    """Lessons that a crash repeats at most."""
    versions_max: int
    """Snapshots that stay in Redis, at least three: the newest, a pinned one, and one between."""
    learns_from: Literal["plays", "catalogue", "words"] = "plays"
    """Who sends its lessons: plays workers, or the catalogue's: rows with audio features, or rows with words."""

    @property
    def follows_from_events(self) -> bool:
        """The lessons follow from the log of events alone, so that an audit can say which there must be."""
        return self.learns_from == "plays"


MODELS: Final[tuple[Entry, ...]] = (
    # 500 lessons take 40 ms, a snapshot 3 ms.
    Entry("finish", 0, FinishModel, FinishFormat(), lesson_us=80, unsaved_max=500, versions_max=6),
    # A snapshot of 18,000 lessons has 13 MB: rarer, and fewer stay, so that writing and keeping them is a small share of all.
    Entry("genre", 1, GenreModel, GenreFormat(), lesson_us=2_000, unsaved_max=1_000, versions_max=3, learns_from="catalogue"),
    # A review of the whole sample takes half a second, a snapshot of 28,000 tracks has 7.7 MB and takes 30 ms. The lessons are the same
    # bytes as those of `genre`, but a row without a genre teaches, too.
    Entry(
        "micro_genres", 2, MicroGenreModel, MicroGenreFormat(), lesson_us=300, unsaved_max=1_000, versions_max=3, learns_from="catalogue"
    ),
    # One play in eight asks, at most one in 43 minutes. A snapshot of 2,048 users has 7 MB and takes 10 ms.
    Entry("counts", 3, CountsModel, ListeningFormat(), lesson_us=30, unsaved_max=2_000, versions_max=3),
    # A play takes 15 us, an answer 500 us, and one play in sixteen brings one to three.
    Entry("segments", 4, SegmentsModel, ListeningFormat(), lesson_us=150, unsaved_max=2_000, versions_max=3),
    # A review of the whole sample takes a second here. Its lessons are rows with their tags and lyrics, also those without sound.
    Entry("text_clusters", 5, TextClusterModel, TextFormat(), lesson_us=700, unsaved_max=1_000, versions_max=3, learns_from="words"),
    # The lessons of `micro_genres` again. Two maps are drawn at a review, half a second more; a track is placed among 512 landmarks.
    Entry("map", 6, MapModel, MicroGenreFormat(), lesson_us=3_500, unsaved_max=1_000, versions_max=3, learns_from="catalogue"),
)

RETIRED: Final[tuple[tuple[str, int], ...]] = ()
"""(name, partition) of models that are gone; neither is ever given out again."""


def entry(name: str) -> Entry:
    """The model called `name`. Raises `KeyError` that lists the known ones."""
    for found in MODELS:
        if found.name == name:
            return found
    raise KeyError(f"no model {name!r}; there are {[known.name for known in MODELS]}")


def by_partition(partition: int) -> Entry | None:
    """The model that learns from this lessons partition; None when none does (yet)."""
    return next((found for found in MODELS if found.partition == partition), None)
