"""A record as a sheet: which tables a command's report has, in which order, and the words."""

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.report.amounts import amount, plural
from benchmarks.report.effects import AGAIN, DIRECT, PROXY, arms_of
from benchmarks.report.figures import figure
from benchmarks.report.record import Record
from benchmarks.report.sentence import closing, void
from benchmarks.report.sheet import Grid, Sheet
from benchmarks.report.sheets import trials
from benchmarks.report.sheets.endpoint import latency, outcomes
from benchmarks.report.sheets.overhead import overhead

TITLES: Final = {
    "overhead": "What the proxy costs",
    "run": "What the endpoint does",
    "replay": "What the endpoint does under this trace",
    "capacity": "How much it takes",
    "faults": "What happens when a backend breaks",
    "fairness": "How the work is spread",
    "selftest": "Whether the instrument can be believed",
}
Maybe = Grid | None


def _endpoints(record: Record) -> Sequence[Maybe]:
    arms = arms_of(record, DIRECT, PROXY)
    tables = [latency(record, arm, titled=len(arms) > 1) for arm in arms]
    return [*tables, outcomes(record, arms)]


def _overhead(record: Record) -> Sequence[Maybe]:
    return [overhead(record)]


def _loaded(record: Record) -> Sequence[Maybe]:
    return [overhead(record), *_endpoints(record)]


def _capacity(record: Record) -> Sequence[Maybe]:
    return [trials.bracket(record), *trials.each(record, arms_of(record, DIRECT, PROXY))]


def _faults(record: Record) -> Sequence[Maybe]:
    return [trials.plain(record, "what became of the requests")]


def _fairness(record: Record) -> Sequence[Maybe]:
    return [trials.shares(record), trials.plain(record, "by policy")]


def _selftest(record: Record) -> Sequence[Maybe]:
    return [trials.control(record), trials.instrument(record), trials.checks(record)]


MAKERS: Final[dict[str, Callable[[Record], Sequence[Maybe]]]] = {
    "overhead": _overhead,
    "capacity": _capacity,
    "faults": _faults,
    "fairness": _fairness,
    "selftest": _selftest,
}


def grids(record: Record) -> tuple[Grid, ...]:
    """Return the tables of a record; of one that is not valid, only why.

    Raises ValueError for a damaged histogram.
    """
    if void(record):
        found = trials.checks(record)
        return (found,) if found is not None else ()
    made = MAKERS.get(record.command, _loaded)(record)
    return tuple(grid for grid in made if grid is not None)


def scope(record: Record) -> str:
    """Return how much was measured."""
    kept = [block for block in record.blocks if not block.rejected]
    if not kept:
        return ""
    rounds = len({block.round for block in kept})
    arms = len({block.arm for block in kept})
    requests = sum(block.requests for block in kept)
    size = f", {plural(requests, 'request')}" if requests else ""
    return f"{plural(rounds, 'round')} x {plural(arms, 'arm')}{size}"


def resolution(record: Record) -> str:
    """Return what direct against itself says this run can see; empty if it is not known."""
    again = set(arms_of(record, AGAIN))
    parts = []
    for name, word in (("first_token_p50_ms", "first token"), ("token_p50_us", "token")):
        known = [e for e in record.effects if e.figure == name and e.resolution is not None]
        if known:
            parts.append(f"{amount(figure(name), known[0].resolution)} {word}")
    by = " (A/A)" if again else ""
    return f"resolution{by}: {', '.join(parts)}" if parts else ""


def verdict(record: Record) -> str:
    """Return the verdict, with the conditions that failed."""
    failed = [check.name for check in record.checks if not check.passed]
    return record.verdict + (f" ({', '.join(failed)})" if failed else "")


def compose(record: Record) -> Sheet:
    """Return the sheet. Raises ValueError for a damaged histogram."""
    seen = resolution(record)
    failed = [check for check in record.checks if not check.passed and not void(record)]
    notes = [
        *([seen] if seen and not void(record) else []),
        *(f"not met: {check.name}: {check.detail}" for check in failed),
        *record.notes,
    ]
    return Sheet(
        title=TITLES.get(record.command, record.command),
        workload=record.workload,
        scope=scope(record),
        verdict=verdict(record),
        grids=grids(record),
        notes=tuple(notes),
        sentence=closing(record) if void(record) else record.sentence or closing(record),
    )
