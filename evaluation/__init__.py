"""How good the lists are: the real pipeline over a file of plays, in one process, beside rivals that see the same plays."""
