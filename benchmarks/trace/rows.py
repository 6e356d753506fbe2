"""A trace as a value: when requests came and how large they were, whatever format it was in."""

import math
from typing import Final

import msgspec
import numpy as np

from benchmarks.load.courses import Times

TICKS: Final = 10_000_000  # a second has so many: 100 ns, the finest clock of any format
BLOCK: Final = 512  # tokens in a prefix block, unless the trace says otherwise


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Seconds after the beginning of the trace, whole tokens of at least one."""

    at: float
    input_tokens: int
    output_tokens: int
    prefix: tuple[int, ...] = ()
    """Ids of the blocks its prompt begins with; equal ids were equal text."""
    session: int = -1
    turn: int = 0
    think: float = 0.0
    """For turns after the first: seconds between the end of the answer before and this one."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in order of time."""

    rows: tuple[Row, ...]
    format: str
    name: str = ""
    block_tokens: int = BLOCK
    notes: tuple[str, ...] = ()
    """What whoever uses it ought to know: rows left out, a coarse clock, what was made up."""

    def times(self) -> Times:
        """Return when the requests came."""
        return np.array([row.at for row in self.rows], dtype=np.float64)

    def cut(self, start: float, span: float | None) -> "Trace":
        """Return the rows from `start` on, for `span` seconds, told from `start`.

        A session that is cut in its middle begins anew with the first turn that is left.
        """
        end = math.inf if span is None else start + span
        if start <= 0 and end == math.inf:
            return self
        first: dict[int, int] = {}
        kept = []
        for row in self.rows:
            if not start <= row.at < end:
                continue
            turn = row.turn - first.setdefault(row.session, row.turn)
            kept.append(
                msgspec.structs.replace(
                    row, at=row.at - start, turn=turn, think=row.think if turn else 0.0
                )
            )
        return msgspec.structs.replace(self, rows=tuple(kept))


def clock_step(times: Times) -> float:
    """Return the seconds a coarse clock moves by, 0 for a clock that is fine enough.

    A clock is coarse if a tenth of the rows share their time with the row before, and nine tenths
    of the other gaps are within 2 % of a multiple of one step of 10 ms or more. Equal gaps alone
    may be a property of the traffic, and real files stray from their step by a millisecond.
    """
    gaps = np.diff(np.sort(times))
    moves = gaps[gaps > 0]
    if times.size < 20 or moves.size < 3 or moves.size > 0.9 * gaps.size:
        return 0.0
    step = float(np.percentile(moves, 10))
    if step < 0.01:
        return 0.0
    multiples = np.rint(moves / step)
    step = float(np.median(moves / np.maximum(multiples, 1)))
    strays = np.abs(moves / step - multiples) > 0.02
    return round(step, 3) if strays.mean() <= 0.1 else 0.0


def spread_out(times: Times, step: float, rng: np.random.Generator) -> Times:
    """Return times of a coarse clock, each moved to a random place within its step, in order.

    Uniform places are what Poisson arrivals have within a step when their number is known. What
    the traffic really did there is lost.
    """
    return np.sort(times + rng.random(times.size) * step)
