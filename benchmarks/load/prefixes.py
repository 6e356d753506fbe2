"""Shared prefixes as block ids: equal ids at the beginning of two prompts are equal text.

Ids are told apart by what they belong to: groups count from 0, sessions from 2^41 on, 2^20 blocks
each, so no two sources ever share by accident.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.load.courses import Times
from benchmarks.load.wording import WorkloadError, count, positive

BLOCK: Final = 16  # tokens; what engines cache by default
_OWNED: Final = 1 << 20  # ids that belong to one group or one session
_OF_SESSIONS: Final = 1 << 41


class Groups(msgspec.Struct, frozen=True):
    """How many prefixes there are, and how unevenly they are used: share ~ 1 / rank^skew."""

    number: int
    skew: float = 0.0

    def at(self, uniform: Times) -> NDArray[np.int64]:
        """Return a group for each place in [0, 1)."""
        weights = np.arange(1, self.number + 1, dtype=np.float64) ** -self.skew
        edges = np.cumsum(weights) / weights.sum()
        return np.minimum(np.searchsorted(edges, uniform, side="right"), self.number - 1)


def parse(text: str) -> Groups:
    """Read `8` or `8:uniform` (used alike) or `8:zipf1.1`."""
    hint = "write a number of prefixes, then :uniform or :zipfSKEW, such as 8:zipf1.1"
    number, _, use = text.partition(":")
    groups = count(number, "the number of prefixes")
    if groups > 1_000_000:
        raise WorkloadError(f"{text!r}: at most a million prefixes")
    if use in {"", "uniform"}:
        return Groups(groups)
    if not use.startswith("zipf"):
        raise WorkloadError(f"{text!r} is not understood: {hint}")
    return Groups(groups, positive(use.removeprefix("zipf"), "the skew"))


def group_blocks(group: int, tokens: int) -> tuple[int, ...]:
    """Return the ids of a group's prefix of `tokens` tokens, whole blocks only."""
    return tuple(range(group * _OWNED, group * _OWNED + tokens // BLOCK))


def session_blocks(session: int, shared: tuple[int, ...], tokens: int) -> tuple[int, ...]:
    """Return the ids of a whole prompt of a session, so that its next turn can begin with it."""
    begin = _OF_SESSIONS + session * _OWNED
    own = range(begin + len(shared), begin + tokens // BLOCK)
    return shared[: tokens // BLOCK] + tuple(own)
