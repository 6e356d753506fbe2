"""Budgets: limits a run must keep, and whether it did, beyond doubt.

A budget is broken only if the whole interval lies above it. A median above the limit with an
interval that reaches below it is printed as undecided and passes: a gate that fails by chance gets
switched off. An invalid run proves neither, which is an exit code of its own.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from benchmarks.measure.bootstrap import interval
from benchmarks.report.amounts import present, unit
from benchmarks.report.effects import DIRECT, PROXY, arms_of, effect_of, figure_of
from benchmarks.report.figures import Quantity, figure
from benchmarks.report.record import Record

KEPT_EXIT: Final = 0
BROKEN_EXIT: Final = 3
INVALID_EXIT: Final = 4

# What a word stands for: between proxied and direct, and for an endpoint by itself.
ADDED: Final = {
    "ttft.p50": "first_token_p50_ms",
    "ttft.p99": "first_token_p99_ms",
    "token.p50": "token_p50_us",
    "token.p99": "token_p99_us",
    "request_path.p50": "request_path_p50_us",
}
ALONE: Final = {
    "ttft.p50": "ttft_p50_ms",
    "ttft.p99": "ttft_p99_ms",
    "token.p50": "itl_p50_ms",
    "token.p99": "itl_p99_ms",
    "e2e.p50": "e2e_p50_ms",
    "e2e.p99": "e2e_p99_ms",
}
USED: Final = {
    "cpu_per_1k": "cpu_ms_per_1k_tokens",
    "cpu_per_request": "cpu_us_per_request",
    "rss": "rss_mib",
    "lost": "lost",
    "duplicated": "duplicated",
}
COUNTED: Final = frozenset({"lost", "duplicated"})
WORDS: Final = tuple(sorted({*ADDED, *ALONE, *USED}))
LIMIT: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+) *([A-Za-z]*)")
# Base units: seconds, MiB.
UNITS: Final[Mapping[str, tuple[Quantity, float]]] = {
    "ms": (Quantity.TIME, 1e-3),
    "us": (Quantity.TIME, 1e-6),
    "s": (Quantity.TIME, 1.0),
    "MiB": (Quantity.MEMORY, 1.0),
    "KiB": (Quantity.MEMORY, 1 / 1024),
    "GiB": (Quantity.MEMORY, 1024.0),
    "": (Quantity.COUNT, 1.0),
}


class BudgetError(ValueError):
    """A budget cannot be read, or this run cannot judge it; the message says which and why."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: `word` as typed, `most` in base units (seconds, MiB, a count)."""

    word: str
    most: float


class Outcome(StrEnum):
    """What the interval says of a limit."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "cannot tell"


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """One limit held against one arm, in the record's units. Without `low` it was one value."""

    word: str
    arm: str
    figure: str
    most: float
    value: float
    low: float | None
    high: float | None
    outcome: Outcome


def _limit(word: str, text: str) -> Limit:
    name = ALONE.get(word) or ADDED.get(word) or USED[word]
    found = LIMIT.fullmatch(text)
    wanted = figure(name).quantity
    fitting = [symbol for symbol, (kind, _) in UNITS.items() if kind is wanted]
    example = f"{word}=2{fitting[0]}"
    if found is None or found.group(2) not in fitting:
        units = ", ".join(symbol for symbol in fitting if symbol) or "no unit"
        raise BudgetError(
            f"--budget {word}={text}: needs a number with a unit ({units}), such as {example}"
        )
    return Limit(word=word, most=float(found.group(1)) * UNITS[found.group(2)][1])


def parse(text: str) -> tuple[Limit, ...]:
    """Read `ttft.p99=2ms,token.p99=1ms,cpu_per_1k=30ms`. Raises BudgetError."""
    limits: dict[str, Limit] = {}
    for part in text.split(","):
        word, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not word:
            raise BudgetError(f"--budget {part.strip()!r}: must read NAME=LIMIT, such as {EXAMPLE}")
        if word not in WORDS:
            raise BudgetError(f"--budget {word}: unknown; can be limited: {', '.join(WORDS)}")
        if word in limits:
            raise BudgetError(f"--budget {word}: given twice")
        limits[word] = _limit(word, value)
    return tuple(limits.values())


EXAMPLE: Final = "ttft.p99=2ms"


def _figure_name(record: Record, word: str) -> str:
    paired = bool(arms_of(record, PROXY)) and bool(record.effects)
    name = (ADDED if paired else ALONE).get(word) or USED.get(word)
    if name is None:
        kind = "compares arms" if paired else "has no pair of arms"
        raise BudgetError(f"--budget {word}: this run {kind}, so there is no such figure in it")
    return name


def _found(record: Record, arm: str, name: str) -> tuple[float, float | None, float | None] | None:
    """Return value and interval of what the limit speaks of; None if it was not measured."""
    if name in COUNTED:  # a median of blocks would forgive the one block that lost tokens
        counts = [b.figures.get(name) for b in record.blocks if b.arm == arm and not b.rejected]
        known = present([*counts, figure_of(record, arm, name)])
        return (max(sum(present(counts)), *known), None, None) if known else None
    effect = effect_of(record, arm, name)
    if effect is not None and name != "rss_mib":
        value = effect.added if effect.direct is not None else effect.value
        return None if value is None else (value, effect.low, effect.high)
    whole = figure_of(record, arm, name)
    blocks = [b.figures.get(name) for b in record.blocks if b.arm == arm and not b.rejected]
    spread = interval([value for value in blocks if value is not None])
    if spread is not None and whole is not None:
        return whole, min(whole, spread.low), max(whole, spread.high)
    return None if whole is None else (whole, None, None)


def _outcome(most: float, value: float, low: float | None, high: float | None) -> Outcome:
    if (value if low is None else low) > most:
        return Outcome.BROKEN
    if (value if high is None else high) <= most:
        return Outcome.KEPT
    return Outcome.UNDECIDED


def rulings(record: Record, limits: Sequence[Limit]) -> tuple[Ruling, ...]:
    """Hold the limits against every proxy, or where there is none, against every endpoint.

    Raises BudgetError for a limit on something the run did not measure.
    """
    made = []
    for limit in limits:
        name = _figure_name(record, limit.word)
        most = limit.most / figure(name).base
        for arm in arms_of(record, PROXY) or arms_of(record, DIRECT):
            found = _found(record, arm, name)
            if found is None:
                raise BudgetError(f"--budget {limit.word}: this run did not measure it for {arm}")
            made.append(
                Ruling(
                    word=limit.word,
                    arm=arm,
                    figure=name,
                    most=most,
                    value=found[0],
                    low=found[1],
                    high=found[2],
                    outcome=_outcome(most, *found),
                )
            )
    return tuple(made)


def ruling_text(one: Ruling) -> str:
    """Return a ruling as one line."""
    shown = unit(figure(one.figure), [one.most, one.value, one.low, one.high])
    interval_text = shown.interval(one.low, one.high)
    found = f"{shown.text(one.value)} {interval_text}".rstrip()
    return f"budget {one.word} <= {shown.text(one.most)}, {one.arm}: {found}: {one.outcome.value}"


def exit_code(record: Record, made: Sequence[Ruling]) -> int:
    """Return 0 if nothing is broken, 3 if a limit is, 4 if the run is not valid."""
    if record.verdict == "invalid":
        return INVALID_EXIT
    broken = any(one.outcome is Outcome.BROKEN for one in made)
    return BROKEN_EXIT if broken else KEPT_EXIT


def judged(record: Record, text: str) -> tuple[list[str], int]:
    """Return the lines to print and the exit code for a whole `--budget` text.

    A limit the run cannot judge gives its message and 4. Raises BudgetError only for a text that
    cannot be read.
    """
    limits = parse(text)
    if record.verdict == "invalid":
        return ["budget not judged: the run is not valid"], INVALID_EXIT
    try:
        made = rulings(record, limits)
    except BudgetError as error:
        return [str(error)], INVALID_EXIT
    return [ruling_text(one) for one in made], exit_code(record, made)
