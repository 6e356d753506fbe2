"""From the words of a shape to the parts a workload is drawn from; mistakes are told by flag."""

import math
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from benchmarks.load import arrivals, clients, courses, lengths, prefixes, sessions, silences
from benchmarks.load.patterns import Pattern, Tenant, find
from benchmarks.load.shape import Shape
from benchmarks.load.wording import WorkloadError, share

Part = TypeVar("Part")

DURATION: Final = 10.0
PREFIX_TOKENS: Final = 256
# What a closed loop may need for a duration: it ends early on an engine that is faster.
CLOSED_RATE: Final = 5000.0
CLOSED_MOST: Final = 200_000


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One client or all of them: a process, and the part of the requests that is its own."""

    process: arrivals.Arrivals
    share: float = 1.0
    scale: float = 1.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A shape understood. `course` None: every request may begin at once."""

    course: courses.Course | None
    sources: tuple[Source, ...]
    span: float | None
    wanted: int | None
    concurrency: int | None
    until: float
    silent: silences.Silences | None
    input: lengths.Lengths
    output: lengths.Lengths
    turns: sessions.Turns
    think: sessions.Think
    speed: float
    groups: prefixes.Groups | None
    prefix_tokens: int
    cancel: clients.Cancel | None
    slow: clients.Slow | None
    fresh: float


def understand(shape: Shape) -> Plan:
    """Return the plan of a shape; WorkloadError names the flag that does not fit."""
    _check_numbers(shape)
    pattern = _read("--preset", shape.preset, find)
    span, wanted = _extent(shape)
    turns = _read("--turns", shape.turns, sessions.parse_turns) or sessions.Turns(1, 1)
    course = _course(shape, pattern)
    if course is None:
        span, wanted = (math.inf if span is None else span), wanted or _closed_loop(shape, span)
    groups = shape.prefix_groups or (pattern.prefix_groups if pattern else "")
    silent = _read("--idle-gap", shape.idle_gap, silences.parse)
    return Plan(
        course=course.sped(shape.speed) if course else None,
        sources=_sources(shape, pattern),
        span=span,
        wanted=wanted,
        concurrency=shape.concurrency,
        until=_until(shape),
        silent=silent.sped(shape.speed) if silent else None,
        input=_lengths("--input", shape.input, pattern) or lengths.Fixed(512),
        output=_lengths("--output", shape.output, pattern) or lengths.Fixed(128),
        turns=turns,
        think=_read("--think", shape.think, sessions.parse_think) or sessions.Think(),
        speed=shape.speed,
        groups=_read("--prefix-groups", groups, prefixes.parse),
        prefix_tokens=_prefix_tokens(shape, pattern),
        cancel=_read("--cancel", shape.cancel, clients.parse_cancel),
        slow=_read("--slow", shape.slow, clients.parse_slow),
        fresh=_read("--new-connections", shape.new_connections, share) or 0.0,
    )


def _read(flag: str, text: str, parse: Callable[[str], Part]) -> Part | None:
    """Parse what a flag says, None if it says nothing; put its name in front of a complaint."""
    if not text:
        return None
    try:
        return parse(text)
    except WorkloadError as error:
        raise WorkloadError(f"{flag}: {error}") from None


def _check_numbers(shape: Shape) -> None:
    for flag, value in (
        ("--rate", shape.rate),
        ("--concurrency", shape.concurrency),
        ("--duration", shape.duration),
        ("--requests", shape.requests),
        ("--speed", shape.speed),
        ("--prefix-tokens", shape.prefix_tokens),
    ):
        if value is not None and not value > 0:
            raise WorkloadError(f"{flag}: {value:g} is not allowed, it has to be above 0")
    if shape.rate is not None and shape.ramp:
        raise WorkloadError("--rate and --ramp exclude each other: the ramp tells the rate")
    if shape.rate == math.inf and shape.requests is None:
        raise WorkloadError("--rate inf sends all requests at once: say how many with --requests")


def _extent(shape: Shape) -> tuple[float | None, int | None]:
    if shape.duration is None and shape.requests is None:
        return DURATION, None
    return shape.duration, shape.requests


def _course(shape: Shape, pattern: Pattern | None) -> courses.Course | None:
    """Return the rate over time; None for a closed loop and for all at once."""
    if shape.ramp:
        return _read("--ramp", shape.ramp, courses.parse_ramp)
    if shape.rate == math.inf:
        return None
    if shape.rate is None and pattern is None:
        if shape.concurrency is None:
            raise WorkloadError("how much load? Say --rate, --ramp, --concurrency or --preset")
        return None
    if shape.rate is None and shape.concurrency is not None:
        return None  # a preset's lengths in a closed loop
    assert pattern is not None or shape.rate is not None
    rate = shape.rate if shape.rate is not None else pattern.rate if pattern else 0.0
    if pattern is not None and pattern.crowd > 1:
        return courses.Flash(rate=rate, height=pattern.crowd)
    return courses.Steady(rate)


def _until(shape: Shape) -> float:
    """Return when a closed loop ends that has a duration."""
    span, _ = _extent(shape)
    return math.inf if shape.concurrency is None or span is None else span


def _closed_loop(shape: Shape, span: float | None) -> int:
    """Return how many requests a closed loop may need within its duration."""
    assert span is not None
    return int(min(math.ceil(CLOSED_RATE * span) + (shape.concurrency or 0), CLOSED_MOST))


def _sources(shape: Shape, pattern: Pattern | None) -> tuple[Source, ...]:
    tenants: tuple[Tenant, ...] = pattern.tenants if pattern else ()
    common = shape.arrivals or (pattern.arrivals if pattern and not tenants else "poisson")
    if not tenants:
        process = _read("--arrivals", common, arrivals.parse)
        assert process is not None
        return (Source(process=process.sped(shape.speed)),)
    found = []
    for tenant in tenants:
        process = _read("--arrivals", shape.arrivals or tenant.arrivals, arrivals.parse)
        assert process is not None
        found.append(
            Source(process=process.sped(shape.speed), share=tenant.share, scale=tenant.scale)
        )
    return tuple(found)


def _lengths(flag: str, text: str, pattern: Pattern | None) -> lengths.Lengths | None:
    """Return the lengths a flag asks for, else the preset's, else None."""
    if text.startswith("preset:"):
        pattern = _read(flag, text.removeprefix("preset:"), find)
    elif text:
        return _read(flag, text, lengths.parse)
    if pattern is None:
        return None
    table = pattern.input if flag == "--input" else pattern.output
    return lengths.checked(table, f"{flag}: {pattern.name}")


def _prefix_tokens(shape: Shape, pattern: Pattern | None) -> int:
    if shape.prefix_tokens is not None:
        return shape.prefix_tokens
    return pattern.prefix_tokens if pattern else PREFIX_TOKENS
