"""What anybody would try first, over the same plays: tested, then taught, one play after the other, without delay.

They live in the installed package, because `segue evaluate` measures beside them wherever it runs; `benchmarks/rivals`
has whole builds with Kafka and Redis, which only a checkout measures.
"""
