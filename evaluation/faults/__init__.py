"""Rows made dirty on purpose, as real catalogues are: written from what goes wrong in them, and knowing nothing of the cleaner's rules."""
