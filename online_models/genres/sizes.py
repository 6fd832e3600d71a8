"""Limits that several arrays share."""

from __future__ import annotations

from typing import Final

GENRES_MAX: Final = 12
"""Genres that are told apart: what a catalogue calls its main genres. Each costs some 8 % of memory and time."""
