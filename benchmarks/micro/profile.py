"""Where the time of a hot function goes: a profile, sorted by own time."""

import cProfile
import pstats
from collections.abc import Callable


def show(act: Callable[[], None], times: int, rows: int = 40) -> None:
    """Profile `times` runs of `act` and print the costliest functions."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(times):
        act()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(rows)
