"""One block: a schedule through a lane, with the clocks, the memory and the disturbance read.

A proxy puts things off (log lines, counters): after the last answer it gets `SETTLE_S`, and what it
uses then counts, too.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.measure import host, interference
from benchmarks.measure.interference import CLIENT, Interference
from benchmarks.method import figures
from benchmarks.method.figures import Figures
from benchmarks.method.lanes import Lane
from benchmarks.method.sending import Prepare
from benchmarks.report.record import Block

SETTLE_S = 0.1
BURNED = "burned_ms_per_1k_tokens"
SUBJECT, ENGINES = "proxy", "engines"  # roles of processes


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What all blocks of a run share."""

    prepare: Prepare
    engines: tuple[int, ...] = ()
    """Processes of the engines, where this program started them."""
    warm: int = 0
    """Requests before each block that are not counted; they open the connections."""
    timeout: float = 60.0
    settle: float = SETTLE_S
    meters: Mapping[str, Callable[[], int]] = {}
    """By arm, what counts the ns it has burned on purpose: `burned_ms_per_1k_tokens`."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A block as measured, before anybody has judged it."""

    arm: str
    round: int
    trial: Trial
    figures: Figures
    disturbance: Interference
    began_ns: int

    def row(self, start_ns: int, *, rejected: str = "") -> Block:
        """Return the block as a row of the record; `start_ns` is when the run began."""
        observed = self.trial.observed
        return Block(
            round=self.round,
            arm=self.arm,
            rejected=rejected,
            requests=len(observed),
            failures=sum(1 for one in observed if one.failure),
            tokens=sum(figures.tokens(one) for one in observed),
            began_s=(self.began_ns - start_ns) / figures.SECOND,
            wall_s=self.trial.wall_ns / figures.SECOND,
            figures=self.figures,
        )

    def waited(self) -> float:
        """Return the share of the time client or engines, whichever is worse, had no CPU."""
        shares = self.disturbance.waited
        return max(shares.get(CLIENT, 0.0), shares.get(ENGINES, 0.0))

    def lag_ms(self) -> float:
        """Return the p99 of how late requests were sent."""
        return self.figures["send_lag_p99_ms"] or 0.0


def seed_of(seed: int, turn: int, arm: str) -> int:
    """Return the seed for the texts of one block; its sizes and times stay those of the round."""
    return zlib.crc32(f"{seed}:{turn}:{arm}".encode())


async def measure(bench: Bench, lane: Lane, schedule: Schedule, turn: int) -> Measured:
    """Run one block in round `turn`. Raises what the client raises for a broken endpoint."""
    roles: dict[str, Sequence[int]] = {SUBJECT: lane.arm.pids, ENGINES: bench.engines}
    # Other prompts each time: else an engine's prefix cache would favour the later arms of a round.
    own = msgspec.structs.replace(schedule, seed=seed_of(schedule.seed, turn, lane.name))
    meter = bench.meters.get(lane.name, lambda: 0)
    sending = await bench.prepare(lane.targets, own, warm=bench.warm, timeout=bench.timeout)
    try:
        # What the warm-up put off is not the block's.
        await asyncio.sleep(bench.settle)
        burned, before = meter(), interference.read(roles)
        trial = await sending.run()
        await asyncio.sleep(bench.settle)
        burned, after = meter() - burned, interference.read(roles)
    finally:
        await sending.close()
    cpu = rss = memory = files = None
    if lane.arm.pids:
        cpu = after.roles[SUBJECT].since(before.roles[SUBJECT])
        memory, files = host.memory(lane.arm.pids), host.descriptors(lane.arm.pids)
        rss = memory.rss_kib
    found = figures.figures(trial, cpu, rss_kib=rss)
    if memory is not None:
        found["pss_mib"] = memory.shared_out_kib / 1024
        found["open_files"] = None if files is None else float(files)
    made = sum(figures.tokens(one) for one in trial.observed)
    if lane.name in bench.meters and made:
        found[BURNED] = burned / figures.MS / made * 1000
    return Measured(
        arm=lane.name,
        round=turn,
        trial=trial,
        figures=found,
        disturbance=interference.between(before, after),
        began_ns=before.at_ns,
    )
