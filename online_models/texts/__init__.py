"""What tracks' words say: clusters of tags, titles and lyrics."""
