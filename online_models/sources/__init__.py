"""Where candidates come from: one file each, one signature: `add(pool, known, s, moment, reach)`.

A source reads the rows of the user in slot `s` and of tracks, lets candidates join the pool and adds to its own signals.
"""
