"""What Segue uses of SciPy, which ships no types."""
