"""Synthetic traces: a drawn workload, written down as if it had been recorded."""

from typing import Final

from benchmarks.load.planned import Schedule
from benchmarks.load.workload import Shape, draw
from benchmarks.trace.rows import Row, Trace

TURNS: Final = "the turns of a session have the time it begins; each is sent after the one before"


def synth(shape: Shape, *, seed: int) -> Trace:
    """Return a trace of this shape; WorkloadError if the shape makes no sense.

    What a trace has no place for (clients that leave or read slowly) is not in it.
    """
    return recorded(draw(shape, seed=seed))


def recorded(schedule: Schedule) -> Trace:
    """Return a schedule as a trace.

    A later turn of a session has the time its session began; what orders the turns is that each
    waits for the one before.
    """
    return Trace(
        rows=tuple(
            Row(
                at=one.at,
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                prefix=one.prefix,
                session=one.session,
                turn=one.turn,
                think=one.think,
            )
            for one in schedule.requests
        ),
        format="synthetic",
        name=schedule.origin,
        block_tokens=schedule.prefix_block,
        notes=(TURNS,) if any(one.turn for one in schedule.requests) else (),
    )
