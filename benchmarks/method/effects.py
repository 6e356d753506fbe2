"""What each arm adds: differences inside rounds, their median, its interval, and its resolution."""

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.measure.bootstrap import Interval, interval
from benchmarks.measure.resolution import resolution
from benchmarks.method.figures import PAIRED, SUBJECT, Figures
from benchmarks.method.lanes import AGAIN, DIRECT, FLOOR
from benchmarks.report.record import Arm, Block, Effect

Rows = Sequence[Block]


def by_round(rows: Rows, arm: str, figure: str) -> dict[int, float]:
    """Return an arm's values by round, of the blocks that count and have one."""
    return {
        row.round: value
        for row in rows
        if row.arm == arm and not row.rejected and (value := row.figures.get(figure)) is not None
    }


def pairs(rows: Rows, arm: str, base: str, figure: str) -> list[tuple[float, float]]:
    """Return (base, arm) of every round in which both have a value."""
    mine, other = by_round(rows, arm, figure), by_round(rows, base, figure)
    return [(other[turn], mine[turn]) for turn in sorted(mine.keys() & other.keys())]


def differences(rows: Rows, arm: str, base: str, figure: str) -> list[float]:
    """Return arm - base of every round in which both have a value."""
    return [value - origin for origin, value in pairs(rows, arm, base, figure)]


def added(
    rows: Rows, arm: str, figure: str, *, base: str = DIRECT, seed: int = 0
) -> Interval | None:
    """Return what `arm` adds to `base`, with its interval; None with too few pairs."""
    return interval(differences(rows, arm, base, figure), seed=seed)


def own(rows: Rows, arm: str, figure: str, *, seed: int = 0) -> Interval | None:
    """Return an arm's own value over the rounds, with its interval; None with too few."""
    return interval(list(by_round(rows, arm, figure).values()), seed=seed)


def _name(arms: Iterable[Arm], role: str) -> str | None:
    return next((arm.name for arm in arms if arm.role == role), None)


def _paired(rows: Rows, arms: Sequence[Arm], arm: str, figure: str, seed: int) -> Effect | None:
    again, floor, direct = (_name(arms, role) for role in (AGAIN, FLOOR, DIRECT))
    if direct is None:
        return None
    both = pairs(rows, arm, direct, figure)
    if not both:
        return None
    found = interval([value - origin for origin, value in both], seed=seed)
    least = added(rows, floor, figure, base=direct, seed=seed) if floor is not None else None
    return Effect(
        figure=figure,
        arm=arm,
        direct=median(origin for origin, _ in both),
        value=median(value for _, value in both),
        added=found.median if found is not None else None,
        low=found.low if found is not None else None,
        high=found.high if found is not None else None,
        resolution=(
            resolution(differences(rows, again, direct, figure), seed=seed)
            if again is not None
            else None
        ),
        floor=least.median if least is not None else None,
        rounds=len(both),
    )


def _used(rows: Rows, arms: Sequence[Arm], arm: str, figure: str, seed: int) -> Effect | None:
    values = list(by_round(rows, arm, figure).values())
    if not values:
        return None
    floor = _name(arms, FLOOR)
    least = list(by_round(rows, floor, figure).values()) if floor is not None else []
    found = interval(values, seed=seed)
    return Effect(
        figure=figure,
        arm=arm,
        direct=None,
        value=median(values),
        added=found.median if found is not None else None,
        low=found.low if found is not None else None,
        high=found.high if found is not None else None,
        floor=median(least) if least else None,
        rounds=len(values),
    )


def effects(rows: Rows, arms: Sequence[Arm], *, seed: int = 0) -> list[Effect]:
    """Return every effect of every arm but direct, by arm and figure.

    Figures of `PAIRED` are differences to direct. Those of `SUBJECT` are the arm's own, with
    `direct` None: direct has no process between client and engine. An effect with too few rounds
    for an interval has values and no difference.
    """
    found: list[Effect] = []
    for arm in arms:
        if arm.role == DIRECT:
            continue
        made = [_paired(rows, arms, arm.name, figure, seed) for figure in PAIRED]
        made += [_used(rows, arms, arm.name, figure, seed) for figure in SUBJECT]
        found += [one for one in made if one is not None]
    return found


def overall(rows: Rows, arms: Sequence[Arm]) -> dict[str, Figures]:
    """Return each arm's figures over the run: medians over rounds; counts are added up."""
    result: dict[str, Figures] = {}
    for arm in arms:
        mine = [row for row in rows if row.arm == arm.name and not row.rejected]
        names = list(dict.fromkeys(name for row in mine for name in row.figures))
        figures: Figures = {}
        for name in names:
            values = [v for row in mine if (v := row.figures.get(name)) is not None]
            if name in {"lost", "duplicated"}:
                figures[name] = sum(values)
            elif values:
                figures[name] = median(values)
        figures["requests"] = float(sum(row.requests for row in mine))
        figures["failures"] = float(sum(row.failures for row in mine))
        figures["tokens"] = float(sum(row.tokens for row in mine))
        result[arm.name] = figures
    return result
