"""Who this listener is right now: how exploring, whether they come back, whether they hear this out.

`habits` holds what the past says, `features` makes a question of it, `waiting` holds questions until their labels are known,
`model` answers with a linear model, a tree, a forest and their blend, and `fold` is the whole: plays in, taught models out.
"""
