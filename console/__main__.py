"""`python -m console`: the command without its script."""

from __future__ import annotations

from console.cli import app

app()
