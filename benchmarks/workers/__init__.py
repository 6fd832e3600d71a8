"""Processes that a benchmark starts beside the product's own workers."""
