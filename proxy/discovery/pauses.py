"""How long to wait before the next try: longer with each failure, spread by chance."""

from collections.abc import Callable
from typing import Final

FIRST: Final = 0.5  # seconds
LONGEST: Final = 30.0
JITTER: Final = 0.25  # share by which a pause is spread to both sides: replicas must not march
_DOUBLINGS: Final = 8


class Pauses:
    """The pauses between tries that fail. `random` is in [0, 1)."""

    __slots__ = ("_failures", "_random")

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    def worked(self) -> None:
        """Begin anew with the shortest."""
        self._failures = 0

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        pause = min(FIRST * 2 ** min(self._failures, _DOUBLINGS), LONGEST)
        self._failures += 1
        return float(pause * (1.0 + JITTER * (2.0 * self._random() - 1.0)))
