"""Multidimensional scaling: points in few dimensions whose distances are as near as may be to given ones.

A start by Torgerson's classical scaling, then SMACOF: every point moves to where the points that it has distances to would have it on
average, which never raises the stress. One more point among fixed ones is placed by the same rule.

References
----------
Torgerson (1952), Multidimensional scaling: theory and method.
de Leeuw (1977), Applications of convex analysis to multidimensional scaling; Borg and Groenen (2005), Modern Multidimensional
Scaling, chapter 8 (the Guttman transform) and section 3.2 (stress-1).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.distance import cdist

from online_models.arrays import F64

TINY: Final = 1e-12
"""Points nearer than this have no direction from each other."""
ENOUGH: Final = 1e-5
"""A step that lowers the stress by a smaller share is the last."""


def classical(distances: F64, dims: int) -> F64:
    """Points (n, dims) from distances (n, n): exact where there are such points; each axis' largest coordinate is positive."""
    squares = distances**2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean())
    values, vectors = np.linalg.eigh(centred)
    points = vectors[:, ::-1][:, :dims] * np.sqrt(np.maximum(values[::-1][:dims], 0.0))
    largest = points[np.abs(points).argmax(axis=0), np.arange(points.shape[1])]
    return np.asarray(points * np.where(largest < 0.0, -1.0, 1.0), dtype=np.float64)


def stress(points: F64, distances: F64) -> float:
    """Stress-1 of points (n, k) against distances (n, n): 0 is exact, .2 is read with care."""
    return float(np.sqrt(((cdist(points, points) - distances) ** 2).sum() / max((distances**2).sum(), TINY)))


def majorised(distances: F64, start: F64, steps: int) -> F64:
    """Points (n, k) after at most so many SMACOF steps from `start`; the stress never rises."""
    points, before = start, np.inf
    for _ in range(steps):
        apart = cdist(points, points)
        now = float(((apart - distances) ** 2).sum())
        if now >= (1.0 - ENOUGH) * before:
            break
        before = now
        pull = np.divide(distances, apart, out=np.zeros_like(apart), where=apart > TINY)
        points = (pull.sum(axis=1)[:, None] * points - pull @ points) / len(points)
    return points


def placed(distances: F64, landmarks: F64, start: F64, steps: int) -> F64:
    """Points (m, k) at `distances` (m, n) from fixed `landmarks` (n, k), after so many steps from `start` (m, k)."""
    points = start
    for _ in range(steps):
        apart = cdist(points, landmarks)
        pull = np.divide(distances, apart, out=np.zeros_like(apart), where=apart > TINY)
        points = landmarks.mean(axis=0) + (pull.sum(axis=1)[:, None] * points - pull @ landmarks) / len(landmarks)
    return points


def among(distances: F64, landmarks: F64, nearest_k: int) -> F64:
    """A start (m, k) for `placed`: the mean of the nearest landmarks, nearer ones more."""
    k = min(nearest_k, len(landmarks))
    near = np.argpartition(distances, k - 1, axis=1)[:, :k]
    weight = 1.0 / np.maximum(np.take_along_axis(distances, near, axis=1), TINY)
    return np.asarray(np.einsum("mk,mkd->md", weight / weight.sum(axis=1, keepdims=True), landmarks[near]), dtype=np.float64)


def turned(points: F64, these: F64, onto: F64) -> F64:
    """`points` (n, k) turned, mirrored and moved, never stretched, so that `these` (m, k) lie as near as may be to `onto` (m, k)."""
    if not len(these):
        return points
    rotation, _ = orthogonal_procrustes(these - these.mean(axis=0), onto - onto.mean(axis=0))
    return np.asarray((points - these.mean(axis=0)) @ rotation + onto.mean(axis=0), dtype=np.float64)
