"""Moments for people."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_ms: int) -> str:
    """Epoch ms in words.

    >>> moment(1_764_582_000_012)
    '2025-12-01 09:40:00 UTC'
    """
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
