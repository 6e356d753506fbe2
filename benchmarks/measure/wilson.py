"""How sure a share is that was counted: the interval of E. B. Wilson.

Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). It
stays inside 0 and 1 and says something useful where all or none succeeded, which the usual normal
interval does not: 100 of 100 is [0.963, 1].
"""

import math
from typing import Final

Z95: Final = 1.959964
"""Of the standard normal distribution, 95 % lies within this distance."""


def interval(good: int, all_: int, *, z: float = Z95) -> tuple[float, float]:
    """Return the bounds of the share behind `good` of `all_`; (0, 1) for none at all.

    Raises ValueError unless 0 <= good <= all_.
    """
    if not 0 <= good <= all_:
        raise ValueError(f"{good} of {all_} is no share")
    if not all_:
        return 0.0, 1.0
    share, spread = good / all_, z * z / all_
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / all_ + spread / all_ / 4)
    return max(0.0, middle - half), min(1.0, middle + half)
