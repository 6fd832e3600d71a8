"""An independent judge of a live Segue: reads its topics and its Redis, and believes nothing else.

It shares no line with the product: every rule here was written again from docs/contract.md and
docs/keys.md, in plain Python over plain dicts, so that a mistake has to be made twice to go unseen.
"""

from tests.oracle.judge import judge
from tests.oracle.verdict import Verdict

__all__ = ["Verdict", "judge"]
