"""Replaying a trace: its rows as a schedule, faster or slower, whole or in part."""

from typing import Final

import msgspec

from benchmarks.load.dispersion import peak
from benchmarks.load.planned import Planned, Schedule
from benchmarks.load.streams import stream
from benchmarks.load.wording import show_seconds
from benchmarks.trace.problems import TraceError
from benchmarks.trace.rows import Row, Trace, clock_step, spread_out

AUTO: Final = -1.0


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How a trace is sent again."""

    speed: float = 1.0
    """Divides the time between requests, think time included."""
    start: float = 0.0
    """Seconds of the trace to leave out at its beginning."""
    span: float | None = None
    """Seconds of the trace to send."""
    limit: int | None = None
    """At most so many requests."""
    spread: float = AUTO
    """Seconds within which rows of a coarse clock are spread out; 0 leaves them, AUTO takes the
    clock's own step."""
    context: int | None = None
    """Tokens an engine has room for: longer prompts are cut, then answers."""
    concurrency: int | None = None


def sent(trace: Trace, how: Replay, *, seed: int = 0) -> Trace:
    """Return the trace as it would be sent: the part asked for, its times spread and sped.

    Times start with the trace (or with `start`), not with its first row: a silence at the beginning
    is part of it. The seed matters for spreading only. TraceError if nothing is left.
    """
    if not how.speed > 0:
        raise TraceError(f"--speed: {how.speed:g} is not allowed, it has to be above 0")
    part = trace.cut(how.start, how.span)
    if not part.rows:
        raise TraceError(f"{trace.name}: no row in the part that was asked for")
    times = part.times()
    step = clock_step(times) if how.spread == AUTO else how.spread
    notes = list(part.notes)
    if step > 0:
        times = spread_out(times, step, stream(seed, "spread"))
        notes.append(f"rows of its {step:g} s clock steps spread at random within them")
    rows = [
        msgspec.structs.replace(row, at=at / how.speed, think=row.think / how.speed)
        for row, at in zip(part.rows[: how.limit], times.tolist(), strict=False)
    ]
    return msgspec.structs.replace(part, rows=tuple(rows), notes=tuple(notes))


def schedule(trace: Trace, how: Replay, *, seed: int = 0) -> Schedule:
    """Return the schedule of a trace; TraceError if nothing of it is left."""
    part = sent(trace, how, seed=seed)
    requests = tuple(_planned(row, how, part.block_tokens) for row in part.rows)
    last = requests[-1].at
    return Schedule(
        requests=requests,
        span=last if how.span is None or how.limit is not None else how.span / how.speed,
        concurrency=how.concurrency,
        prefix_block=part.block_tokens,
        seed=seed,
        origin=_tell(part, how),
    )


def _room(row: Row, context: int | None) -> tuple[int, int]:
    """Return prompt and answer tokens that fit together, the answer keeping a quarter at least."""
    if context is None or row.input_tokens + row.output_tokens <= context:
        return row.input_tokens, row.output_tokens
    answer = min(row.output_tokens, max(context - row.input_tokens, context // 4, 1))
    return max(min(row.input_tokens, context - answer), 1), answer


def _planned(row: Row, how: Replay, block: int) -> Planned:
    size, answer = _room(row, how.context)
    return Planned(
        at=row.at,
        input_tokens=size,
        output_tokens=answer,
        # Traces count a last block that is not full; its text is the request's own.
        prefix=row.prefix[: size // block],
        session=row.session,
        turn=row.turn,
        think=row.think,
    )


def _tell(part: Trace, how: Replay) -> str:
    times = part.times()
    told = (
        f"replay of {part.name or 'a trace'} ({part.format}) at speed {how.speed:g}: "
        f"{times.size} requests in {show_seconds(float(times[-1]))}, "
        f"{peak(times, 1.0)} in the busiest second"
    )
    cut = sum(_room(row, how.context) != (row.input_tokens, row.output_tokens) for row in part.rows)
    notes = [told, *part.notes]
    if cut:
        notes.append(f"{cut} cut to fit {how.context} tokens")
    return "; ".join(notes)
