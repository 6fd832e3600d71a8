"""A world of listeners whose tastes are known, so that what a list is worth is known too (`segue bench simulator`).

`tracks` is what there is to hear, `memory` and `listener` who hears it, `sessions` when, `screen` how a list is looked at,
`contenders` who makes the lists, `run` the closed loop. The world imports nothing of the recommender.
"""
