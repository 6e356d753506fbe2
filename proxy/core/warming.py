"""How a backend that has come back is used: a part of its share and of its room, more by and by.

Its caches are cold, and all that has waited while it was away would arrive at once. So both grow
with the time since: the share and a cap evenly from a tenth. Where there is no cap, nobody knows
what a tenth of it is: then room begins with what any engine bears, and doubles.
"""

import math

SLOW_START = 30.0  # seconds until it is warm, unless the settings say otherwise
FLOOR = 0.1
FIRST_ROOM = 16  # requests at once where there is no cap
DOUBLES = 2.0  # seconds in which that doubles: 512 after ten seconds


def share(since: float, seconds: float) -> float:
    """Return the share of weight and cap so long after it came back; `seconds` until it is warm."""
    return 1.0 if since >= seconds else max(since / seconds, FLOOR)


def room(full: float, part: float, since: float) -> float:
    """Return how many requests it gets at once, of a cap of `full` (inf = none)."""
    if part == 1.0:
        return full
    if full == math.inf:
        return FIRST_ROOM * math.exp2(since / DOUBLES) // 1
    return max(1.0, full * part // 1)
