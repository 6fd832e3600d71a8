"""Maps: many dimensions on two or three, so that near stays near."""
