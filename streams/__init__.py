"""The path of a play: start at `pipeline.py`."""
