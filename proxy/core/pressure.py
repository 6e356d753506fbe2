"""When this proxy is short of something it cannot do without, and when it is not any more.

New requests are refused before the shortage strikes the answers that run. Between the two bounds
nothing changes, so that a use that wavers about one of them does not open and close the door.

    short     use >= TIGHT  use < CALM  between
    no        yes           no          no
    yes       yes           no          yes
"""

from typing import Final

TIGHT: Final = 0.85  # of what there is
CALM: Final = 0.80


def short(used: float, limit: float, *, before: bool) -> bool:
    """Tell whether so much of `limit` is too much; `before` is what held until now."""
    share = used / limit
    return share >= TIGHT or (before and share >= CALM)
