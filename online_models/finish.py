"""Will this user finish this track? A linear model against a tree, the better one serves.

`StandardScaler | LogisticRegression` learns fast and reads the shares almost as they are; the
`HoeffdingTreeClassifier` finds what a line cannot (a long track late in a session). Both learn every
lesson; `Contest` decides which one answers. A pure fold of the lessons: no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np
from river.linear_model import LogisticRegression
from river.optim import SGD
from river.preprocessing import StandardScaler
from river.tree import HoeffdingTreeClassifier
from river.tree.splitter import GaussianSplitter
from river.utils import VectorDict

from online_models.arrays import F64
from online_models.contest import Contest, held, log_loss
from online_models.error_drift import ErrorDrift
from online_models.finish_features import FEATURES, N_FEATURES
from online_models.finish_serving import Serving, encode_serving
from online_models.model import BadSnapshot, Happening, News, refuse_bad
from online_models.tree_codec import ESTIMATOR, NODE, RIVER_VERSION, check_river, decode_tree, encode_tree

FORMAT: Final = 2
"""Version of the snapshot's layout. 2: with what watches each rival's error; one of before is refused, and learns its lessons again."""

LEARNING_RATE: Final = 0.01
"""Step of the linear model's weights and intercept. .005 and .01 measured equal (0.545 nats; .002 0.550, .05 0.565); the
larger of the two follows a drift sooner."""
GRADIENT_MAX: Final = 10.0
"""A lesson's weight may stretch one step by this much, no more."""
DEPTH_MAX: Final = 6
"""At most 64 leaves, so 127 nodes and about 100 KB: River's own size limit measures Python objects, which a restore changes."""
SPLIT_DELTA: Final = 1e-4
"""Chance of a wrong split that is taken."""
SPLIT_TIE: Final = 0.1
"""Two features as close as this are a tie, and the leaf splits. River's defaults (1e-7 and .05) wait three times as long: prequential
log-loss of the tree 0.623 and 0.548 nats on the straight and the bent law of tests/lessons_of_known_truth.py, against 0.592
and 0.463 here (means of four seeds, 12,000 lessons)."""
NEVER: Final = 2**62
"""Lessons between River's memory estimates: they read `sys.getsizeof`, so a restored tree would go on differently."""

RELATIVE_WINDOW: Final = 1_000
"""Lessons over which the mean weight is taken."""
RELATIVE_MAX: Final = 10.0
"""Largest weight relative to the mean."""

RIVALS: Final = ("linear", "tree")
"""The first serves until the other earns it."""

_LINEAR_ROWS: Final = 4
"""Rows of the part "linear": counts, means, variances, weights."""


def _new_tree() -> HoeffdingTreeClassifier:
    return HoeffdingTreeClassifier(
        grace_period=200,
        max_depth=DEPTH_MAX,
        delta=SPLIT_DELTA,
        tau=SPLIT_TIE,
        leaf_prediction="mc",
        splitter=GaussianSplitter(),
        memory_estimate_period=NEVER,
    )


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    river: str
    features: list[str]
    n_lessons: int
    weight_mean: float
    contest: dict[str, Any]
    intercept: float
    n_iterations: int
    tree: dict[str, Any]
    drift: dict[str, dict[str, Any]]

    def check(self) -> None:
        """Raises `BadSnapshot` when another build wrote it."""
        mine = {"format": FORMAT, "river": RIVER_VERSION, "features": list(FEATURES)}
        for name, expected in mine.items():
            if getattr(self, name) != expected:
                raise BadSnapshot(f"{name} is {getattr(self, name)!r}, this build goes on from {expected!r}")


class FinishModel:
    """Probability that a play is heard to its end. Keeps the promises of `online_models/model.py`.

    >>> model = FinishModel()
    >>> model.predict_one({})
    0.5
    """

    schema: ClassVar[int] = FORMAT

    def __init__(self) -> None:
        zeros = dict.fromkeys(FEATURES, 0.0)
        # Every feature is known from the start: River's dicts would otherwise grow when asked.
        self._scaler = StandardScaler._from_state(dict.fromkeys(FEATURES, 0), zeros, zeros)
        self._linear = LogisticRegression(SGD(LEARNING_RATE), intercept_lr=LEARNING_RATE, clip_gradient=GRADIENT_MAX)
        self._linear._weights = VectorDict(zeros)
        self._tree = _new_tree()
        self._contest = Contest(RIVALS)
        self._drift = {name: ErrorDrift() for name in RIVALS}
        self._happened: list[Happening] = []
        self._weight_mean = 1.0
        self.n_lessons = 0

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, x: Mapping[str, float], y: bool, w: float = 1.0) -> None:
        """Learn that (`x`, finished `y`) happened, `w` times as many as were sampled.

        Unknown features are ignored, absent ones are 0. Weights count relative to their decayed
        mean: a sender that samples one play in ten (w = 10 throughout) teaches at the same pace.
        Raises `BadLesson` for values that are not finite or out of range, and then nothing has changed.
        """
        refuse_bad(x, w)
        known, y = _known(x), bool(y)
        relative = self._relative(w)
        said = self._say(known)
        self._contest.judge_one(said, y, relative)
        self._watch({name: log_loss(said[name], y) for name in RIVALS})
        self._scaler.learn_one(known)
        self._linear.learn_one(self._scaler.transform_one(known), y, relative)
        self._tree.learn_one(known, y, w=relative)
        self.n_lessons += 1

    def _watch(self, losses: Mapping[str, float]) -> None:
        """Where a rival's error has risen, the contest opens anew.

        A tree begins anew, too: its leaves would have to outweigh all that they ever counted. The linear model's steps never shrink.
        """
        for name, drift in self._drift.items():
            rise = drift.learn_one(losses[name])
            if rise is None:
                continue
            self._contest.reopen()
            if name == "tree":
                self._tree = _new_tree()
            detail: dict[str, int | float | str] = {"member": name, "before": rise.before, "after": rise.after, "lessons": self.n_lessons}
            self._happened.append(Happening("drift", name, detail))

    def take_news(self) -> News:
        """Drifts since it was last asked."""
        news, self._happened = News(self._happened, {}), []
        return news

    def predict_one(self, x: Mapping[str, float]) -> float:
        """The champion's probability, in [0.001, 0.999]; leaves no trace."""
        return self._say(_known(x))[self._contest.champion]

    def say_one(self, x: Mapping[str, float]) -> dict[str, float]:
        """What each rival would answer; leaves no trace."""
        return self._say(_known(x))

    def _say(self, known: dict[str, float]) -> dict[str, float]:
        linear = float(self._linear.predict_proba_one(self._scaler.transform_one(known))[True])
        votes = self._tree.predict_proba_one(known)
        return {"linear": held(linear), "tree": held(votes.get(True, 0.0) if votes else 0.5)}

    def _relative(self, w: float) -> float:
        """`w` over its decayed mean, and the mean moved on."""
        self._weight_mean += (w - self._weight_mean) / min(self.n_lessons + 1, RELATIVE_WINDOW)
        return min(w / self._weight_mean, RELATIVE_MAX)

    # --- what it is worth ------------------------------------------------------------------------

    @property
    def champion(self) -> str:
        """Who answers: "linear" or "tree"."""
        return self._contest.champion

    @property
    def n_nodes(self) -> int:
        """Nodes of the tree, at most 127."""
        return int(self._tree.n_nodes or 0)

    def scores(self) -> dict[str, float | str]:
        """Champion and decayed prequential log-loss (nats) of both; a coin has 0.693."""
        means = {f"log_loss_{name}": self._contest.mean_loss(name) for name in RIVALS}
        return {"champion": self.champion, "lessons": float(self.n_lessons), **means}

    # --- to serve and to keep --------------------------------------------------------------------

    def serving(self, version: int) -> bytes:
        """JSON of the champion, for `finish_serving.parse`."""
        if self.champion == "linear":
            weights, bias = self._folded()
            return encode_serving(Serving.linear(version, self.n_lessons, weights, bias))
        _, nodes, _ = encode_tree(self._tree, FEATURES)
        return encode_serving(Serving.tree(version, self.n_lessons, nodes))

    def _folded(self) -> tuple[F64, float]:
        """Scaler and linear model as one weight vector (12,) over raw features, and a bias."""
        _, means, variances, weights = self._linear_rows()
        scales = np.divide(1.0, np.sqrt(variances), out=np.zeros(N_FEATURES), where=variances > 0.0)
        folded = weights * scales
        return folded, float(self._linear.intercept - np.dot(folded, means))

    def _linear_rows(self) -> F64:
        weights = self._linear.weights
        rows = (self._scaler.counts, self._scaler.means, self._scaler.vars, weights)
        return np.array([[row[name] for name in FEATURES] for row in rows], dtype="<f8")

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" (JSON), "linear", "nodes", "estimators" (little-endian arrays): ~100 KB at most."""
        tree, nodes, estimators = encode_tree(self._tree, FEATURES)
        rows = self._linear_rows()
        assert np.isfinite(rows).all() and np.isfinite(self._linear.intercept), "a lesson that is not finite was learned"
        meta = _Meta(
            format=FORMAT,
            river=RIVER_VERSION,
            features=list(FEATURES),
            n_lessons=self.n_lessons,
            weight_mean=self._weight_mean,
            contest=self._contest.state(),
            intercept=float(self._linear.intercept),
            n_iterations=self._linear.optimizer.n_iterations,
            tree=tree,
            drift={name: drift.state() for name, drift in self._drift.items()},
        )
        return {
            "meta": msgspec.json.encode(meta),
            "linear": rows.tobytes(),
            "nodes": nodes.tobytes(),
            "estimators": estimators.tobytes(),
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it predicts and goes on learning bit-equally.

        Raises `BadSnapshot` for another format, River, feature table or settings, and for torn parts.
        """
        check_river()
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            meta.check()
            model = cls()
            model._take(meta, np.frombuffer(parts["linear"], "<f8").reshape(_LINEAR_ROWS, N_FEATURES))
            decode_tree(model._tree, meta.tree, np.frombuffer(parts["nodes"], NODE), np.frombuffer(parts["estimators"], ESTIMATOR))
        except BadSnapshot:
            raise
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return model

    def _take(self, meta: _Meta, rows: F64) -> None:
        counts, means, variances, weights = (dict(zip(FEATURES, row, strict=True)) for row in rows.tolist())
        self._scaler = StandardScaler._from_state({name: int(n) for name, n in counts.items()}, means, variances)
        self._linear._weights = VectorDict(weights)
        self._linear.intercept = meta.intercept
        self._linear.optimizer.n_iterations = meta.n_iterations
        self._contest = Contest.from_state(meta.contest, RIVALS)
        self._drift = {name: ErrorDrift.from_state(meta.drift[name]) for name in RIVALS}
        self._weight_mean, self.n_lessons = meta.weight_mean, meta.n_lessons


def _known(x: Mapping[str, float]) -> dict[str, float]:
    return {name: float(x.get(name, 0.0)) for name in FEATURES}
