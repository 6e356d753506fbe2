"""A workload in words: what was asked for, and what the dice made of it."""

import math
from typing import Final

from benchmarks.load.courses import Times
from benchmarks.load.dispersion import peak
from benchmarks.load.shape import Shape

_NAMES: Final = {
    "input": "input",
    "output": "output",
    "turns": "turns",
    "think": "think time",
    "prefix_groups": "prefix groups",
    "cancel": "cancelled",
    "slow": "slow readers",
    "new_connections": "on new connections",
    "idle_gap": "idle gaps",
}


def load(shape: Shape) -> str:
    """Return the arrivals a shape asks for."""
    words = [shape.preset] if shape.preset else []
    if shape.arrivals:
        words.append(shape.arrivals)
    if shape.ramp:
        words.append(f"ramp {shape.ramp}")
    elif shape.rate is not None:
        words.append(f"{shape.rate:g} req/s" if shape.rate < math.inf else "all at once")
    if shape.concurrency is not None:
        closed = shape.rate is None and not shape.ramp
        words.append(("closed loop of" if closed else "at most") + f" {shape.concurrency}")
    if shape.speed != 1:
        words.append(f"at speed {shape.speed:g}")
    return " ".join(words)


def tell(shape: Shape, at: Times, talks: bool) -> str:
    """Return one line: load, sizes, and the rate and busiest second that were drawn."""
    parts = [load(shape)]
    for field, name in _NAMES.items():
        if word := getattr(shape, field):
            parts.append(f"{name} {word}")
    last = float(at[-1])
    if last > 0:
        drawn = f"drawn: {at.size} requests"
        if not talks:
            drawn += f", {at.size / last:.4g} req/s, {peak(at, 1.0)} in the busiest second"
        parts.append(drawn)
    return ", ".join(parts)
