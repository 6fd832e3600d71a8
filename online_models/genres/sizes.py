"""Limits that several arrays share."""

from __future__ import annotations

from typing import Final

GENRES_MAX: Final = 12
"""Genres that are told apart: what a catalogue calls its main genres. Arrays are that wide; time is that of the genres met."""
