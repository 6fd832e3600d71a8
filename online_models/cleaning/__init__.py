"""Values of catalogue rows and user attributes, read from any usual writing into one form. No input or output."""
