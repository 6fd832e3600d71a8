"""Micro-genres: clusters of tracks that grow out of the stream."""
