"""Drawing a workload: from a shape and a seed to every request of a block.

Each part has dice of its own, by name (`streams`), so a flag changes what it is about and nothing
else. The same shape and seed give the same schedule on every machine.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.load import prefixes
from benchmarks.load.courses import Course, Times
from benchmarks.load.lengths import Tokens, whole
from benchmarks.load.plan import Plan, understand
from benchmarks.load.planned import Planned, Schedule
from benchmarks.load.shape import Shape
from benchmarks.load.streams import stream
from benchmarks.load.telling import tell
from benchmarks.load.wording import WorkloadError

__all__ = ["Shape", "WorkloadError", "draw"]

Numbers = NDArray[np.int64]

MOST: Final = 5_000_000  # requests in one schedule: about 1 GB


class _Rows:
    """All requests of a schedule, column by column, a session's turns one after the other."""

    __slots__ = ("at", "source", "session", "turn", "input", "output", "think")

    def __init__(self, at: Times, source: Numbers, session: Numbers, turn: Numbers) -> None:
        self.at = at
        self.source = source
        self.session = session
        self.turn = turn
        self.input: Tokens = np.zeros(at.size, dtype=np.int64)
        self.output: Tokens = np.zeros(at.size, dtype=np.int64)
        self.think: Times = np.zeros(at.size)


def draw(shape: Shape, *, seed: int) -> Schedule:
    """Return the schedule of a shape; WorkloadError if the shape makes no sense.

    The turns of a session stand together, all with the time the session begins: what orders them
    is that each waits for the one before.
    """
    plan = understand(shape)
    at, source, span = _starts(plan, seed)
    rows = _turns(plan, at, source, seed)
    if rows.at.size == 0:
        raise WorkloadError("no request at all in this span: raise --rate or --duration")
    _fill_lengths(plan, rows, seed)
    requests = _requests(plan, rows, seed)
    return Schedule(
        requests=requests,
        span=span,
        concurrency=plan.concurrency,
        until=plan.until,
        prefix_block=prefixes.BLOCK,
        seed=seed,
        origin=tell(shape, rows.at, plan.turns.high > 1),
    )


def _starts(plan: Plan, seed: int) -> tuple[Times, Numbers, float]:
    """Return when requests or sessions begin, whose they are, and the span they fill.

    With a number instead of a span, the span grows until the number is reached; what comes later
    is cut off. That does not favour dense times, as stretching to fit would.
    """
    needed = _needed(plan, seed)
    if plan.course is None:
        assert needed is not None
        assert plan.span is not None
        return np.zeros(needed), _closed_sources(plan, needed, seed), plan.span
    course = plan.course.scaled(1 / plan.turns.mean)
    if plan.span is not None:
        at, source = _merged(plan, course, plan.span, seed)
        return at[:needed], source[:needed], plan.span
    assert needed is not None
    span = needed / course.mean(1.0)
    for _ in range(200):
        at, source = _merged(plan, course, span, seed)
        if at.size >= needed:
            return at[:needed], source[:needed], float(at[needed - 1])
        span *= 1.25
    raise WorkloadError(f"--requests: {plan.wanted} are never reached at this rate")


def _needed(plan: Plan, seed: int) -> int | None:
    """Return how many sessions hold the wanted number of requests; None if none is wanted."""
    if plan.wanted is None:
        return None
    turns = np.cumsum(plan.turns.at(stream(seed, "turns").random(plan.wanted)))
    return int(np.searchsorted(turns, plan.wanted)) + 1


def _merged(plan: Plan, course: Course, span: float, seed: int) -> tuple[Times, Numbers]:
    """Draw every source, put them in order, and open the silences."""
    gaps = plan.silent.begins(span, stream(seed, "silences")) if plan.silent else []
    if plan.silent:
        course = course.scaled(plan.silent.raised)
    if course.mean(span) * span > MOST:
        raise WorkloadError(f"over {MOST} requests in {span:.0f} s: lower --rate or --duration")
    drawn = [
        one.process.times(course.scaled(one.share), span, stream(seed, f"arrivals/{place}"))
        for place, one in enumerate(plan.sources)
    ]
    source = np.repeat(np.arange(len(drawn)), [times.size for times in drawn])
    at = np.concatenate(drawn)
    order = np.argsort(at, kind="stable")
    at, source = at[order], source[order]
    if plan.silent:
        at = plan.silent.insert(at, gaps)
        source, at = source[at < span], at[at < span]
    return at, source


def _closed_sources(plan: Plan, number: int, seed: int) -> Numbers:
    edges = np.cumsum([one.share for one in plan.sources])
    places = stream(seed, "sources").random(number) * edges[-1]
    found: Numbers = np.minimum(np.searchsorted(edges, places, "right"), len(plan.sources) - 1)
    return found


def _turns(plan: Plan, at: Times, source: Numbers, seed: int) -> _Rows:
    """Give each session its turns, and cut off what is more than wanted."""
    turns = plan.turns.at(stream(seed, "turns").random(at.size))
    session = np.repeat(np.arange(at.size), turns)
    turn = np.arange(session.size) - np.repeat(np.cumsum(turns) - turns, turns)
    rows = _Rows(at[session][: plan.wanted], source[session], session, turn[: plan.wanted])
    rows.source, rows.session = rows.source[: plan.wanted], rows.session[: plan.wanted]
    return rows


def _fill_lengths(plan: Plan, rows: _Rows, seed: int) -> None:
    """Draw lengths and think times; a later turn's prompt holds all that was said before."""
    size = rows.at.size
    scale = np.array([one.scale for one in plan.sources])[rows.source]
    own = whole(plan.input.at(stream(seed, "input").random(size)) * scale)
    rows.output = whole(plan.output.at(stream(seed, "output").random(size)) * scale)
    said = np.concatenate(([0], np.cumsum(own + rows.output)))
    begins = np.arange(size) - rows.turn  # where the session's first turn stands
    rows.input = said[:-1] - said[begins] + own
    think = plan.think.at(stream(seed, "think").random(size)) / plan.speed
    rows.think = np.where(rows.turn > 0, think, 0.0)


def _shared(plan: Plan, rows: _Rows, seed: int) -> list[tuple[int, ...]]:
    """Return the blocks each prompt shares: with its group, its tenant, its own session."""
    group = rows.source if len(plan.sources) > 1 else np.full(rows.at.size, -1)
    if plan.groups is not None:
        place = stream(seed, "prefixes").random(int(rows.session[-1]) + 1)[rows.session]
        group = plan.groups.at(place) + (rows.source * plan.groups.number)
    talks = plan.turns.high > 1
    known: dict[tuple[int, int], tuple[int, ...]] = {}
    found = []
    first_input = rows.input[np.arange(rows.at.size) - rows.turn]
    columns = zip(
        group.tolist(),
        rows.input.tolist(),
        first_input.tolist(),
        rows.session.tolist(),
        strict=True,
    )
    for number, tokens, opening, session in columns:
        # One token at least is the request's own: an engine caches no prompt to its last token.
        size = min(plan.prefix_tokens, opening - 1) // prefixes.BLOCK if number >= 0 else 0
        key = (number, size)
        if key not in known:
            known[key] = prefixes.group_blocks(number, size * prefixes.BLOCK)
        blocks = known[key]
        found.append(prefixes.session_blocks(session, blocks, tokens) if talks else blocks)
    return found


def _requests(plan: Plan, rows: _Rows, seed: int) -> tuple[Planned, ...]:
    """Put the columns together, clients' manners included."""
    size = rows.at.size
    stay: list[float | None] = [None] * size
    chosen, when = (stream(seed, name).random(size) for name in ("cancel", "cancel-after"))
    leave = plan.cancel.at(chosen, when) if plan.cancel else stay
    slow = plan.slow.at(stream(seed, "slow").random(size)) if plan.slow else stay
    fresh = stream(seed, "fresh").random(size) < plan.fresh
    session = rows.session if plan.turns.high > 1 else np.full(size, -1)
    columns = zip(
        rows.at.tolist(),
        rows.input.tolist(),
        rows.output.tolist(),
        _shared(plan, rows, seed),
        session.tolist(),
        rows.turn.tolist(),
        rows.think.tolist(),
        leave,
        slow,
        fresh.tolist(),
        strict=True,
    )
    return tuple(
        Planned(
            at=at,
            input_tokens=tokens,
            output_tokens=answer,
            prefix=blocks,
            session=talk,
            turn=turn,
            think=think,
            cancel_after=cancel,
            read_rate=rate,
            fresh=new,
        )
        for at, tokens, answer, blocks, talk, turn, think, cancel, rate, new in columns
    )
