"""What clusters of texts are measured against.

References
----------
Deerwester et al. (1990), Indexing by latent semantic analysis. Carnein, Assenmacher and Trautmann (2017), Stream clustering of chat
messages with applications to Twitch streams: TextClust, as River has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from river.cluster import TextClust
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from online_models.arrays import F64, I64
from online_models.texts.text import Text
from online_models.texts.text_clusters import NOWHERE

LATENT_N: Final = 64
"""Dimensions of latent semantic analysis."""
RADIUS: Final = 0.5
"""Of TextClust's micro-clusters: by its own rule (`auto_r`), or without fading, all of a catalogue's texts are one."""


def latent_meaning(texts: Sequence[Text]) -> F64:
    """Directions (n, 64) of all texts at once, of length 1 (0 where there are no words): rare tokens weigh more."""
    tokens = [list(text.tokens()) for text in texts]
    number = {token: i for i, token in enumerate(sorted({token for mine in tokens for token in mine}))}
    if len(number) <= 1:
        return np.zeros((len(texts), 1))
    columns = np.array([number[token] for mine in tokens for token in mine])
    starts = np.cumsum([0, *map(len, tokens)])
    weights = np.log(len(texts) / np.bincount(columns, minlength=len(number)))[columns]
    counts = csr_array((weights, columns, starts), shape=(len(texts), len(number)))
    k = min(LATENT_N, min(counts.shape) - 1)
    left, values, _ = svds(counts, k=k, v0=np.ones(min(counts.shape)))
    points = left * values
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(length > 0.0, length, 1.0), dtype=np.float64)


def river_textclust(texts: Sequence[Text], show: Callable[[int], None]) -> I64:
    """Micro-clusters (n,) by TextClust after it learned all texts in their order, each token once; `NOWHERE` where it names none."""
    model = TextClust(radius=RADIUS, real_time_fading=False)
    bags = [dict.fromkeys(text.tokens(), 1) for text in texts]
    for done, bag in enumerate(bags, 1):
        model.learn_one(bag)
        show(done)
    said = [model.predict_one(bag) for bag in bags]
    return np.array([NOWHERE if cluster is None else cluster for cluster in said], dtype=np.int64)
