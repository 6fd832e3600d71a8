"""Which genre a track is of, from its sound and from what its artist, album and title say."""
