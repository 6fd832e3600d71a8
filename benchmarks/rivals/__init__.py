"""What somebody would build in an afternoon from the same libraries: measured beside Segue, in the same run."""
