"""How often will this user play this track again? Asked after a play, answered at once, taught when the days are over.

`listener` holds what the past says, `features` makes a question of it, `regression` answers, `pending` holds the questions
until their labels are ripe, and `fold` is the whole: plays in, taught models out.
"""
