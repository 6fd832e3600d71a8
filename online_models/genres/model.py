"""The genre of a track: declared features, declared members, one stack above them; learned one track at a time.

Keeps the promises of `online_models/model.py` for lessons that are clean rows with one of several labels. There are no weights: a
catalogue tells of every track, so that no lesson stands for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np

from online_models.arrays import F64
from online_models.cleaning.verdicts import Value
from online_models.genres.ensemble import Ensemble
from online_models.genres.features import refuse_bad_values
from online_models.genres.inputs import EVERYTHING, Inputs, Sight
from online_models.genres.members import Arrays, Member
from online_models.genres.parts import pack, unpack
from online_models.genres.sizes import GENRES_MAX
from online_models.model import BadLesson, BadSnapshot
from online_models.tree_codec import RIVER_VERSION, check_river

FORMAT: Final = 1
"""Version of the snapshot's layout."""
GENRE_CHARS_MAX: Final = 64
WINDOW: Final = 2_000.0
"""Lessons after which a loss counts 1/e in `scores`."""
LEAST: Final = 1e-6
"""A probability counts as this at least in `scores`."""


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    river: str
    groups: list[str]
    kinds: list[str]
    columns: list[str]
    genres: list[str]
    n_lessons: int
    scaling: dict[str, Any]


class GenreModel:
    """Probability of each genre that was ever taught.

    >>> model = GenreModel()
    >>> for _ in range(3):
    ...     model.learn_one({"track_id": "t1", "artist": "Kabát", "energy": 0.9}, "rock")
    ...     model.learn_one({"track_id": "t2", "artist": "Adele", "energy": 0.2}, "pop")
    >>> model.predict_proba_one({"track_id": "t3", "artist": "Kabát"})["rock"] > 0.5
    True
    """

    schema: ClassVar[int] = FORMAT
    champion: Final = "ensemble"
    """All members answer together, whoever leads."""

    def __init__(self, sight: Sight = EVERYTHING) -> None:
        self.genres: list[str] = []
        self.n_lessons = 0
        self._inputs = Inputs(sight)
        self._ensemble = Ensemble(self._inputs)
        names = ("ensemble", *self._ensemble.members)
        self._losses: F64 = np.zeros((len(names), 2))
        """(ensemble and members, log-loss in nats and misses), decayed sums."""
        self._weight: F64 = np.zeros(1)

    @property
    def members(self) -> dict[str, Member]:
        """The members by name; who measures them may put others in their places before the first lesson."""
        return self._ensemble.members

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, values: Mapping[str, Value], genre: str, w: float = 1.0) -> None:
        """Learn that a clean row's true genre is `genre`; a new one is a new label.

        Raises `BadLesson` for numbers that are not finite or out of their field's range, for a label that is none, for more
        than `GENRES_MAX` labels, and for a weight; then nothing has changed.
        """
        refuse_bad_values(values)
        if w != 1.0:
            raise BadLesson("weight", f"weight={w}: every track is told of, each counts once")
        y, n_genres = self._number(genre)
        seen = self._inputs.look_at(values)
        x = self._inputs.transform_one(seen, n_genres)
        said, p = self._ensemble.say_one(x, n_genres)
        self._judge(said, p, y)
        self._ensemble.learn_one(x, y, n_genres, said)
        self._inputs.learn_one(seen, y)
        if n_genres > len(self.genres):
            self.genres.append(genre)
        self.n_lessons += 1

    def predict_proba_one(self, values: Mapping[str, Value]) -> dict[str, float]:
        """Probability by genre, adding up to 1; empty before the first lesson. Leaves no trace.

        Numbers that are not usable are as if they were not there.
        """
        return self.say_one(values).get("ensemble", {})

    def predict_one(self, values: Mapping[str, Value]) -> dict[str, float]:
        """`predict_proba_one`, by the verb that all models share."""
        return self.predict_proba_one(values)

    def say_one(self, values: Mapping[str, Value]) -> dict[str, dict[str, float]]:
        """What the ensemble and each member would answer; leaves no trace."""
        n_genres = len(self.genres)
        if not n_genres:
            return {}
        said, p = self._ensemble.say_one(self._inputs.transform_one(self._inputs.look_at(values), n_genres), n_genres)
        rows = zip(("ensemble", *self._ensemble.members), (p, *said), strict=True)
        return {name: dict(zip(self.genres, row.tolist(), strict=True)) for name, row in rows}

    def _number(self, genre: str) -> tuple[int, int]:
        """The label's number, and how many labels there are with it."""
        if not isinstance(genre, str) or not 0 < len(genre) <= GENRE_CHARS_MAX:
            raise BadLesson("label", f"{genre!r:.80} is no genre: text of 1 to {GENRE_CHARS_MAX} characters")
        if genre in self.genres:
            return self.genres.index(genre), len(self.genres)
        if len(self.genres) == GENRES_MAX:
            raise BadLesson("too-many-labels", f"{genre!r} would be the {GENRES_MAX + 1}th genre; there are {self.genres}")
        return len(self.genres), len(self.genres) + 1

    # --- what it is worth ------------------------------------------------------------------------

    def _judge(self, said: F64, p: F64, y: int) -> None:
        rows = np.vstack((p, said))
        keep = 1.0 - 1.0 / WINDOW
        self._losses *= keep
        self._losses[:, 0] -= np.log(np.maximum(rows[:, y], LEAST))
        self._losses[:, 1] += rows.argmax(axis=1) != y
        self._weight[0] = self._weight[0] * keep + 1.0

    def scores(self) -> dict[str, float | str]:
        """Decayed prequential log-loss (nats) and accuracy of the ensemble and of each member."""
        found: dict[str, float | str] = {"lessons": float(self.n_lessons), "genres": float(len(self.genres))}
        means = self._losses / max(float(self._weight[0]), 1.0)
        for name, (loss, misses) in zip(("ensemble", *self._ensemble.members), means.tolist(), strict=True):
            found |= {f"log_loss_{name}": loss, f"accuracy_{name}": 1.0 - misses if self.n_lessons else 0.0}
        return found

    # --- to serve and to keep --------------------------------------------------------------------

    def serving(self, version: int) -> bytes:
        """JSON: which version's parts a reader restores, and what it will be told."""
        return msgspec.json.encode({"model": "genre", "version": version, "lessons": self.n_lessons, "genres": self.genres})

    def snapshot(self) -> dict[str, bytes]:
        """Part "meta" and "tokens" (JSON), and one of little-endian arrays for each member, the counts and the memory.

        Each is below 8 MB, all together some 15 MB for 28,000 tracks of six genres.
        """
        sight = self._inputs.sight
        meta = _Meta(
            format=FORMAT,
            river=RIVER_VERSION,
            groups=list(sight.groups),
            kinds=list(sight.kinds),
            columns=self._inputs.names(()),
            genres=self.genres,
            n_lessons=self.n_lessons,
            scaling=self._inputs.scaling.state(),
        )
        tokens = self._inputs.evidence.state()
        parts = {name: pack(arrays) for name, arrays in self._arrays(len(tokens)).items()}
        return {"meta": msgspec.json.encode(meta), "tokens": msgspec.json.encode(tokens), **parts}

    def _arrays(self, n_tokens: int) -> dict[str, Arrays]:
        """All arrays by part and name: of tables, the rows and columns in use."""
        memory, n_genres = self._ensemble.memory, len(self.genres)
        n_kept = memory.n_kept
        return {
            "scores": {"losses": self._losses, "weight": self._weight},
            "counts": {"counts": self._inputs.evidence.counts[:n_tokens, :n_genres], "shares": self._inputs.evidence.shares},
            "memory": {"x": memory.x[:n_kept, : self._inputs.n_columns(n_genres)], "y": memory.y[:n_kept]},
            **self._ensemble.arrays(),
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it predicts and goes on learning bit-equally.

        Raises `BadSnapshot` for another format, River or table of features, and for torn parts.
        """
        check_river()
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            tokens = msgspec.json.decode(parts["tokens"], type=list[tuple[int, str, int]])
            model = cls(Sight(tuple(meta.groups), tuple(meta.kinds)))
            model._take(meta, tokens, parts)
        except BadSnapshot:
            raise
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return model

    def _take(self, meta: _Meta, tokens: list[tuple[int, str, int]], parts: Mapping[str, bytes]) -> None:
        mine = {"format": FORMAT, "river": RIVER_VERSION, "columns": self._inputs.names(())}
        for name, expected in mine.items():
            if getattr(meta, name) != expected:
                raise BadSnapshot(f"{name} is {getattr(meta, name)!r}, this build goes on from {expected!r}")
        if len(meta.genres) > GENRES_MAX:
            raise BadSnapshot(f"{len(meta.genres)} genres, at most {GENRES_MAX} are told apart")
        self.genres, self.n_lessons = meta.genres, meta.n_lessons
        self._inputs.scaling.take(meta.scaling)
        self._inputs.evidence.take(tokens)
        self._ensemble.memory.n_lessons = meta.n_lessons
        for name, arrays in self._arrays(len(tokens)).items():
            unpack(parts[name], arrays)
        labels = self._ensemble.memory.y
        if not self._ensemble.is_sound() or ((labels < 0) | (labels >= max(1, len(self.genres)))).any():
            raise BadSnapshot("indexes point outside of their arrays")
