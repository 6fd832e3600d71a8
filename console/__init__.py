"""The command `segue`: a client like any other, of public topics and documented Redis keys."""
