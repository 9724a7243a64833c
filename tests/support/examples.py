"""How many examples a property is tried on: a quarter in each run, all of them where somebody asks for it.

`SHIPPERONE_ERP_THOROUGH=1 nox -s tests` tries all. Examples are drawn anew in every run, so that many short runs see as much.
"""

import os
from typing import Any

from hypothesis import settings

THOROUGH = os.environ.get("SHIPPERONE_ERP_THOROUGH") == "1"
LEAST = 25


def examples(number: int, **more: Any) -> settings:
    """Hypothesis settings without a deadline: what an example takes is the machine's matter."""
    return settings(max_examples=number if THOROUGH else min(number, max(LEAST, number // 4)), deadline=None, **more)
