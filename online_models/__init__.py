"""Pure learning: no I/O, no clock; the state that it changes is handed in."""
