"""Effects of a record looked up and judged: added, saved, or too small for this run to see.

An effect counts as seen only if its interval leaves zero out and its median is larger than what
direct measured against itself shows by chance. The second condition guards against an interval that
is narrow by luck: twelve blocks give narrow intervals more often than their level promises.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from benchmarks.report.record import Effect, Record

PROXY: Final = "proxy"
DIRECT: Final = "direct"
FLOOR: Final = "floor"
AGAIN: Final = "again"
DELAY: Final = "delay"


class Standing(StrEnum):
    """What an effect's interval allows to be said."""

    ADDED = "added"
    SAVED = "saved"
    UNSEEN = "below resolution"
    UNKNOWN = "not measured"


def standing(effect: Effect) -> Standing:
    """Judge an effect by its interval and by the resolution of the run."""
    if effect.added is None or effect.low is None or effect.high is None:
        return Standing.UNKNOWN
    if abs(effect.added) < (effect.resolution or 0.0):
        return Standing.UNSEEN
    if effect.low > 0:
        return Standing.ADDED
    return Standing.SAVED if effect.high < 0 else Standing.UNSEEN


def arms_of(record: Record, *roles: str) -> Sequence[str]:
    """Return the arms of these roles, in the record's order."""
    return [arm.name for arm in record.arms if arm.role in roles]


def effect_of(record: Record, arm: str, figure: str) -> Effect | None:
    """Return the effect of an arm on a figure; None if it was not measured."""
    return next((e for e in record.effects if e.arm == arm and e.figure == figure), None)


def figure_of(record: Record, arm: str, figure: str) -> float | None:
    """Return a figure of an arm over the whole run."""
    return record.figures.get(arm, {}).get(figure)


def measured(record: Record, figures: Sequence[str]) -> Sequence[str]:
    """Return those of `figures` that an effect or an arm has, in the order given."""
    have = {effect.figure for effect in record.effects if effect.value is not None}
    have.update(
        name for of in record.figures.values() for name, value in of.items() if value is not None
    )
    return [name for name in figures if name in have]
