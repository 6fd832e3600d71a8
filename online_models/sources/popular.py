"""What everybody plays these weeks; the only source for somebody new."""

from __future__ import annotations

from online_models import signals
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The most popular tracks."""
    for j in range(min(reach.popular[0], known.popular.shape[0])):
        pool.signal[signals.POPULAR, meet(pool, known.popular[j])] = known.popular_weight[j]
