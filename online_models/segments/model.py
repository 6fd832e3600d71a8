"""One yes-or-no question about listeners: a linear model, a tree, a forest and the blend of the three; the best so far answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np
from river.tree import HoeffdingTreeClassifier

from online_models.arrays import F64
from online_models.contest import Contest, held, log_loss
from online_models.error_drift import ErrorDrift, Rise
from online_models.model import BadSnapshot, refuse_bad
from online_models.segments.features import HABIT_FEATURES, PLAY_FEATURES
from online_models.segments.forest import Forest, new_tree, probability
from online_models.segments.logistic import Newton, Standard, logit
from online_models.segments.serving import BLENDED, Target, Tree
from online_models.tree_codec import ESTIMATOR, NODE, RIVER_VERSION, check_river, decode_tree, encode_tree

FORMAT: Final = 2
"""Version of the snapshot's layout."""
CONTESTANTS: Final = (*BLENDED, "blend")
"""The first serves until another earns it."""
WATCHED: Final = ("linear", "tree", "blend")
"""Whose error is watched. The forest watches its own trees, each by itself."""
LINEAR_VARIANCE: Final = 0.01
"""Of a weight before the first lesson, on a standardised feature: between the targets' own bests on the first half (.003 to .1)."""
BLEND_VARIANCE: Final = 0.01
"""Of a model's share in the blend, which begins at a third."""
WEIGHT_MOST: Final = 10.0
"""One lesson counts as so many at most."""


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    river: str
    features: list[str]
    n_lessons: int
    contest: dict[str, Any]
    standard_n: int
    tree: dict[str, Any]
    forest: dict[str, Any]
    forest_trees: list[dict[str, Any]]
    drift: dict[str, dict[str, Any]]


class SegmentModel:
    """Probability that the answer is yes. Keeps the promises of `online_models/model.py`; its kinds below name their features."""

    FEATURES: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        n = len(self.FEATURES)
        self._standard = Standard(n)
        self._linear = Newton(np.zeros(n + 1), LINEAR_VARIANCE)
        self._tree = new_tree()
        self._forest = Forest(self.FEATURES)
        self._blend = Newton(np.array([0.0] + [1.0 / len(BLENDED)] * len(BLENDED)), BLEND_VARIANCE)
        self._contest = Contest(CONTESTANTS)
        self._drift = {name: ErrorDrift() for name in WATCHED}
        self._rises: list[tuple[str, Rise]] = []
        self.n_lessons = 0

    @property
    def champion(self) -> str:
        """Who answers."""
        return self._contest.champion

    @property
    def n_replaced(self) -> int:
        """Trees of the forest that began again."""
        return self._forest.n_replaced

    def learn_one(self, x: Mapping[str, float], y: bool, w: float = 1.0) -> None:
        """Learn that the answer to `x` was `y`, `w` times as many as were sampled.

        Unknown features are ignored, absent ones are 0. Raises `BadLesson` for values that are not
        finite or out of range, and then nothing has changed.
        """
        refuse_bad(x, w)
        known, y, w = self._known(x), bool(y), min(w, WEIGHT_MOST)
        values, trees = _values(known), self._forest.say(known)
        said = self._say(known, values, trees)
        self._contest.judge_one(said, y, w)
        self._watch(said, y)
        self._blend.learn(_blended(said), y, w)
        self._standard.learn(values)
        self._linear.learn(self._standard.row(values), y, w)
        self._tree.learn_one(known, y, w=w)
        self._forest.learn(known, y, w, trees)
        self.n_lessons += 1

    def _watch(self, said: Mapping[str, float], y: bool) -> None:
        """Where an error has risen, the contest opens anew, and who erred takes new lessons as seriously as the first ones.

        A tree begins anew, for its leaves would have to outweigh all that they ever counted; weights stay, as less certain ones.
        """
        for name, drift in self._drift.items():
            rise = drift.learn_one(log_loss(said[name], y))
            if rise is None:
                continue
            self._contest.reopen()
            if name == "tree":
                self._tree = new_tree()
            else:
                (self._linear if name == "linear" else self._blend).doubt()
            self._rises.append((name, rise))

    def take_rises(self) -> list[tuple[str, Rise]]:
        """Whose error rose since this was last asked; no part of a snapshot."""
        rises, self._rises = self._rises, []
        return rises

    def predict_one(self, x: Mapping[str, float]) -> float:
        """The champion's probability of yes, in (0, 1); leaves no trace."""
        return self.say(x)[self.champion]

    def say(self, x: Mapping[str, float]) -> dict[str, float]:
        """What each contestant says, in (0, 1)."""
        known = self._known(x)
        return self._say(known, _values(known), self._forest.say(known))

    def _say(self, known: dict[str, float], values: F64, trees: list[float]) -> dict[str, float]:
        said = {
            "linear": held(self._linear.said(self._standard.row(values))),
            "tree": probability(self._tree, known),
            "forest": held(sum(trees) / len(trees)),
        }
        said["blend"] = held(self._blend.said(_blended(said)))
        return said

    def _known(self, x: Mapping[str, float]) -> dict[str, float]:
        return {name: float(x.get(name, 0.0)) for name in self.FEATURES}

    def scores(self) -> dict[str, float | str]:
        """Decayed mean log-loss of each contestant in nats, and who answers."""
        return {"champion": self.champion, **{f"log_loss_{name}": self._contest.mean_loss(name) for name in CONTESTANTS}}

    def served(self) -> Target:
        """All that is needed to answer as this model does now."""
        return Target(
            champion=self.champion,
            lessons=self.n_lessons,
            features=list(self.FEATURES),
            mean=self._standard.mean.tolist(),
            scale=self._standard.scale().tolist(),
            weights=self._linear.weights.tolist(),
            blend=self._blend.weights.tolist(),
            tree=_served(self._tree, self.FEATURES),
            forest=[_served(tree, self.FEATURES) for tree in self._forest.trees],
        )

    def serving(self, version: int) -> bytes:
        """JSON of `served`, and the version."""
        return msgspec.json.encode({"version": version, **msgspec.to_builtins(self.served())})

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" (JSON), "numbers", "tree/…" and "forest/…" (little-endian arrays): some 2 MB at most."""
        tree, nodes, estimators = encode_tree(self._tree, self.FEATURES)
        metas, forest_nodes, forest_estimators = self._forest.encode()
        numbers = np.concatenate([array.ravel() for array in self._arrays()]).astype("<f8")
        assert np.isfinite(numbers).all(), "a lesson that is not finite was learned"
        meta = _Meta(
            format=FORMAT,
            river=RIVER_VERSION,
            features=list(self.FEATURES),
            n_lessons=self.n_lessons,
            contest=self._contest.state(),
            standard_n=self._standard.n,
            tree=tree,
            forest=self._forest.state(),
            forest_trees=metas,
            drift={name: drift.state() for name, drift in self._drift.items()},
        )
        parts = {"meta": msgspec.json.encode(meta), "numbers": numbers.tobytes()}
        parts |= {"tree/nodes": nodes.tobytes(), "tree/estimators": estimators.tobytes()}
        parts |= {f"forest/nodes-{t}": array.tobytes() for t, array in enumerate(forest_nodes)}
        return parts | {f"forest/estimators-{t}": array.tobytes() for t, array in enumerate(forest_estimators)}

    def _arrays(self) -> list[F64]:
        return [
            self._standard.mean,
            self._standard.squares,
            self._linear.weights,
            self._linear.spread,
            self._blend.weights,
            self._blend.spread,
        ]

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it predicts and goes on learning bit-equally.

        Raises `BadSnapshot` for another format, River or feature table, and for torn parts.
        """
        check_river()
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            mine = (FORMAT, RIVER_VERSION, list(cls.FEATURES))
            if (meta.format, meta.river, meta.features) != mine:
                raise BadSnapshot(f"made with format {meta.format}, River {meta.river} and other features, this build has {mine}")
            model = cls()
            model._take(meta, parts)
        except BadSnapshot:
            raise
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return model

    def _take(self, meta: _Meta, parts: Mapping[str, bytes]) -> None:
        numbers, at = np.frombuffer(parts["numbers"], "<f8"), 0
        for array in self._arrays():
            array[...] = numbers[at : at + array.size].reshape(array.shape)
            at += array.size
        if at != len(numbers):
            raise BadSnapshot(f"{len(numbers)} numbers where {at} are expected")
        nodes, estimators = np.frombuffer(parts["tree/nodes"], NODE), np.frombuffer(parts["tree/estimators"], ESTIMATOR)
        decode_tree(self._tree, meta.tree, nodes, estimators)
        own = {name.removeprefix("forest/"): part for name, part in parts.items() if name.startswith("forest/")}
        self._forest.take(meta.forest, meta.forest_trees, own)
        self._contest = Contest.from_state(meta.contest, CONTESTANTS)
        self._drift = {name: ErrorDrift.from_state(meta.drift[name]) for name in WATCHED}
        self._standard.n, self.n_lessons = meta.standard_n, meta.n_lessons


class HabitModel(SegmentModel):
    """About a listener, after a play."""

    FEATURES = HABIT_FEATURES


class PlayModel(SegmentModel):
    """About a play that begins."""

    FEATURES = PLAY_FEATURES


def _values(known: Mapping[str, float]) -> F64:
    return np.fromiter(known.values(), np.float64, len(known))


def _blended(said: Mapping[str, float]) -> F64:
    """(4,) 1 and the log-odds of those that are blended."""
    return np.array([1.0, *(logit(said[name]) for name in BLENDED)])


def _served(tree: HoeffdingTreeClassifier, features: tuple[str, ...]) -> Tree:
    """What a River tree over `features` answers."""
    nodes = encode_tree(tree, features)[1]
    total = nodes["n_false"] + nodes["n_true"]
    p = np.divide(nodes["n_true"], total, out=np.full(len(nodes), 0.5), where=total > 0.0)
    columns = {name: nodes[name].tolist() for name in ("feature", "threshold", "left", "right")}
    return Tree(**columns, p=[held(each) for each in p.tolist()])
