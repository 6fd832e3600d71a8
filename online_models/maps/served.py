"""What others read of the map: how true it is, and where a track lies. JSON, without the model."""

from __future__ import annotations

import msgspec


class Lies(msgspec.Struct, frozen=True):
    """Where a track lies."""

    two: tuple[float, float]
    three: tuple[float, float, float]
    drawn: int
    """The map on which it was put there; later ones are turned back onto it, so that it is nearly there still."""
    lessons: int
    """Tracks seen when this was said."""


class Served(msgspec.Struct, frozen=True):
    """The map as it stands."""

    model: str
    version: int
    lessons: int
    """Tracks seen."""
    first_at: int
    """Tracks that must be seen before there is a map."""
    drawn: int
    """How often it was drawn; 0 = never yet."""
    stress_2d: float
    """Stress-1 of the landmarks."""
    stress_3d: float
    diameter: float
    """Largest distance of two landmarks, two dimensions."""
    moved_share: float
    """Mean way of the sample's tracks at the last drawing, as a share of the diameter."""
