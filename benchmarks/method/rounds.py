"""Rounds: every arm once, in an order drawn by lot, with the same schedule; until enough is known.

What changes slowly (heat, a neighbour, a clock) meets all arms of a round alike and cancels in the
differences; the lot keeps an arm from always coming after the same one. A disturbed block is
repeated at once, so that it stays near its pair.

The run ends after `rounds`, or when the intervals are as narrow as asked for, or when the next
round would not fit into the time; where noise has left too few pairs for an interval by then, it
goes on for up to `GRACE` times that. Ending by the width of an interval does not bend its level by
much, ending by whether zero is inside would: that is not looked at.

Two things end it with nothing to show (`Played.problem`): direct itself falls behind the load, and
`FEWEST` rounds cannot be had within the time. Both are looked for from the first block on.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from benchmarks.load.planned import Schedule
from benchmarks.measure.bootstrap import FEWEST
from benchmarks.method import effects
from benchmarks.method.blocks import Measured
from benchmarks.method.judging import Limits, disturbed, limits, wider
from benchmarks.method.keeping import Behind, behind
from benchmarks.method.lanes import AGAIN, DIRECT, PROXY, Lane
from benchmarks.report.record import Block

Measure = Callable[[Lane, Schedule, int], Awaitable[Measured]]
PRECISE = "token_p50_us"
"""The figure whose interval `precision_us` is about."""


GRACE = 1.25
LONG = 3.0
"""How many times as long as others a block must have taken to be called stuck."""
OVERLOADED = 2
"""Blocks without a proxy, one after the other, that fall behind before it is called too much."""
OTHER_TEXTS = 1_000_003
"""Between the seeds of a block and of its repeats; sizes and times are drawn already."""
RECENT = 4
"""Blocks of each arm that say what disturbance is usual."""


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """How many rounds and for how long. Times are seconds."""

    rounds: int = 12
    max_time: float = 300.0
    """Of all rounds together, `GRACE` apart."""
    precision_us: float | None = None
    """Half width of the interval of a token's added time at which a run may end early."""
    repeats: int = 3
    """How often one disturbed block is measured again."""
    repeated_share: float = 0.34
    """Repeats of a whole run, as a share of its planned blocks: beyond it, noise is the rule."""
    uneven: bool = False
    """Load that comes in bursts on purpose: falling behind for a while is part of it."""
    seed: int = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands, for whoever shows progress."""

    arm: str
    """Which was just measured."""
    round: int
    rounds: int
    done: int
    """Blocks that count so far."""
    rejected: int
    """Blocks that do not."""
    first: str = ""
    """The first of the proxies, which `effect` is about."""
    effect: float | None = None
    """What it adds to a token so far, in us; None before there is an interval."""
    half_us: float | None = None
    """Half width of the widest interval of a token's added time."""
    seconds_left: float | None = None


Tell = Callable[[Step], None]


class Played(msgspec.Struct, kw_only=True):
    """All blocks of a run, the rejected ones too, in the order they were measured."""

    lanes: tuple[Lane, ...]
    start_ns: int
    limits: Limits = msgspec.field(default_factory=Limits)
    blocks: list[Block] = msgspec.field(default_factory=list)
    measured: list[Measured] = msgspec.field(default_factory=list)
    """As long as `blocks`."""
    repeats: int = 0
    ended: str = ""
    """Why the run ended, in words."""
    problem: str = ""
    """Why there is nothing to be had, as a sentence; empty if there is."""

    @property
    def rounds(self) -> int:
        """The last round in which anything was measured."""
        return max((row.round for row in self.blocks), default=0)

    def counted(self, arm: str) -> list[Measured]:
        """Return the blocks of an arm that count."""
        return [
            one
            for one, row in zip(self.measured, self.blocks, strict=True)
            if row.arm == arm and not row.rejected
        ]

    def pairs(self) -> int:
        """Return the rounds in which all arms have a block that counts with direct's, at least."""
        turns = {lane.name: {one.round for one in self.counted(lane.name)} for lane in self.lanes}
        direct = next((turns[one.name] for one in self.lanes if one.arm.role == DIRECT), None)
        both = (mine if direct is None else mine & direct for mine in turns.values())
        return min((len(mine) for mine in both), default=0)

    def widest(self) -> float | None:
        """Return the half width of the widest interval of a token's added time."""
        halves = []
        for lane in self.lanes:
            if lane.arm.role == PROXY:
                found = effects.added(self.blocks, lane.name, PRECISE)
                if found is None:
                    return None
                halves.append(found.half)
        return max(halves, default=None)


class _EndError(Exception):
    """The run is over in the middle of a round; the message says why."""


class Rounds:
    """Plays a design over lanes. `measure` runs one block, `schedule` draws that of a round."""

    __slots__ = (
        "_began",
        "_design",
        "_dice",
        "_measure",
        "_fell",
        "_played",
        "_recent",
        "_schedule",
        "_tell",
        "_clock",
    )

    def __init__(
        self,
        lanes: Sequence[Lane],
        measure: Measure,
        schedule: Callable[[int], Schedule],
        design: Design,
        *,
        tell: Tell = lambda _: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._design = design
        self._dice = random.Random(design.seed)
        self._measure = measure
        self._schedule = schedule
        self._tell = tell
        self._clock = clock
        self._recent: dict[str, deque[Measured]] = {
            lane.name: deque(maxlen=RECENT) for lane in lanes
        }
        self._fell: deque[Behind | None] = deque(maxlen=OVERLOADED)
        self._played = Played(lanes=tuple(lanes), start_ns=clock())
        self._began = self._played.start_ns  # of the blocks that count, once there are some

    async def play(self) -> Played:
        """Measure until the design says stop. Raises what `measure` raises."""
        played = self._played
        try:
            await self._all()
        except _EndError as end:
            if played.pairs() < FEWEST or self._overload():
                played.problem = str(end)
            else:
                played.ended = "the time was up in the middle of a round"
        return played

    async def _all(self) -> None:
        played = self._played
        # Without proxies first: what the engines cannot take is known after two blocks.
        for lane in sorted(self._order(), key=lambda lane: lane.arm.role not in {DIRECT, AGAIN}):
            self._recent[lane.name].append(await self._one(lane, self._schedule(0), 0))
        self._began, turn = self._clock(), 0
        self._hopeless()
        while not played.ended:
            turn += 1
            played.limits = limits([one for few in self._recent.values() for one in few])
            schedule = self._schedule(turn)
            for lane in self._order():
                await self._block(lane, schedule, turn)
            self._hopeless()
            played.ended = self._over(turn)

    async def _one(self, lane: Lane, schedule: Schedule, turn: int) -> Measured:
        """Measure a block. Raises _EndError if it is still running when the time is up."""
        left = self._design.max_time * GRACE - self._spent()
        limit = asyncio.timeout(None if math.isinf(left) else max(left, 0.0))
        begin = time.monotonic()
        try:
            async with limit:
                one = await self._measure(lane, schedule, turn)
        except TimeoutError:
            if not limit.expired():
                raise
            raise _EndError(self._unended(lane, time.monotonic() - begin)) from None
        if lane.arm.role in {DIRECT, AGAIN} and not self._design.uneven:
            self._fell.append(behind(one.trial, schedule))
        if self._overload():
            raise _EndError(self._overload())
        return one

    def _overload(self) -> str:
        last = self._fell[-1] if self._fell else None
        if last is None or len(self._fell) < OVERLOADED or None in self._fell:
            return ""
        return (
            f"the engines do not keep up with this load, without any proxy: {last.words()}."
            " Ask for less (--rate), or give more engines"
        )

    def _unended(self, lane: Lane, ran: float) -> str:
        walls = [one.trial.wall_ns / 1e9 for few in self._recent.values() for one in few]
        if walls and ran < LONG * max(walls):
            return (
                f"the time was up after {self._played.pairs()} good rounds, and an interval needs"
                f" {FEWEST}: more --max-time, fewer arms, or a calmer machine"
            )
        others = f" (others took {min(walls):.3g} to {max(walls):.3g} s)" if walls else ""
        return (
            f"a block of {lane.name} had not ended when the time was up{others}: the load is too"
            " much for it, or --max-time too short"
        )

    def _hopeless(self) -> None:
        """Raise _EndError if rounds like the last one are too long for an interval in the time."""
        least = min(FEWEST, self._design.rounds)
        need = least * sum(few[-1].trial.wall_ns for few in self._recent.values()) / 1e9
        if self._played.pairs() < least and need > self._design.max_time * GRACE:
            raise _EndError(
                f"{least} rounds, which an interval needs, take over {need:.0f} s, and --max-time"
                f" is {self._design.max_time:g} s: give it more, or take shorter blocks"
                " (--duration, --block), shorter answers (--output) or fewer arms"
            )

    def _order(self) -> list[Lane]:
        lanes = list(self._played.lanes)
        self._dice.shuffle(lanes)
        return lanes

    async def _block(self, lane: Lane, schedule: Schedule, turn: int) -> None:
        played, design = self._played, self._design
        most = int(design.repeated_share * design.rounds * len(played.lanes))
        recent = self._recent[lane.name]
        for attempt in range(design.repeats + 1):
            # Other texts than before: an engine's prefix cache would know these.
            own = msgspec.structs.replace(schedule, seed=schedule.seed + attempt * OTHER_TEXTS)
            one = await self._one(lane, own, turn)
            why = disturbed(one, wider(played.limits, limits(recent)))
            if attempt == 0:  # one block in trouble is not what is usual
                recent.append(one)
            played.blocks.append(one.row(played.start_ns, rejected=why))
            played.measured.append(one)
            self._tell(self._step(lane, turn))
            late = self._spent() > design.max_time
            if not why or attempt == design.repeats or played.repeats >= most or late:
                return
            played.repeats += 1

    def _spent(self) -> float:
        return (self._clock() - self._began) / 1e9

    def _over(self, turn: int) -> str:
        played, design = self._played, self._design
        short = played.pairs() < FEWEST <= design.rounds
        more = int(design.rounds * (GRACE - 1)) + 1 if short else 0
        if turn >= design.rounds + more:
            return f"all {turn} rounds"
        half = played.widest()
        if design.precision_us is not None and half is not None and half <= design.precision_us:
            return f"+-{half:.0f} us is as precise as asked for"
        spent = self._spent()
        allowed = design.max_time * (GRACE if short else 1.0)
        if spent + spent / turn > allowed:
            return f"the time was up after {turn} rounds"
        return ""

    def _step(self, lane: Lane, turn: int) -> Step:
        played, design = self._played, self._design
        done = sum(1 for row in played.blocks if not row.rejected)
        left = design.max_time - self._spent()
        if done:
            each = self._spent() / len(played.blocks)
            left = min(left, each * (design.rounds * len(played.lanes) - done))
        proxies = [one.name for one in played.lanes if one.arm.role == PROXY]
        found = effects.added(played.blocks, proxies[0], PRECISE) if proxies else None
        return Step(
            arm=lane.name,
            round=turn,
            rounds=max(turn, design.rounds),
            done=done,
            rejected=len(played.blocks) - done,
            first=proxies[0] if proxies else "",
            effect=found.median if found is not None else None,
            half_us=played.widest(),
            seconds_left=max(0.0, left),
        )
