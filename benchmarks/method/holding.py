"""What an open stream weighs: so many are held open through an arm at once, and its memory is read.

The engines say one token and fall silent, so holding is all that goes on; they must be simulated
ones. It is done after the load of a run: what that left free in the arm is used first, so the
weight of a stream is the slope of a line through the steps, and the first step counts as much as
the last.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import numpy as np

from benchmarks.client import prompts, requests
from benchmarks.client.drive import allow_files
from benchmarks.driver import engines
from benchmarks.driver.load import Lines
from benchmarks.driver.procs import NotReadyError
from benchmarks.measure import host
from benchmarks.method.lanes import FLOOR, PROXY, Lane
from benchmarks.method.stage import local_port

STEPS = (250, 500)
SETTLE_S = 0.4
"""Between the last event and reading the memory."""
SLOW_S = 10.0
"""What cannot begin its streams within this time is not weighed."""
SILENT = {"kind": "silence", "after": 1}
WARM = 10
TOKENS, PROMPT = 600, 100


class Weight(msgspec.Struct, kw_only=True):
    """Memory by open streams; the last row is after all have closed."""

    open_streams: list[float] = []
    rss_mib: list[float] = []
    closed: list[float] = []

    def add(self, streams: int, pids: Sequence[int], *, closed: bool = False) -> None:
        """Read the memory now."""
        self.open_streams.append(float(streams))
        self.rss_mib.append(host.memory(pids).rss_kib / 1024)
        self.closed.append(float(closed))

    @property
    def kib_per_stream(self) -> float:
        """The slope of memory over open streams, never below 0."""
        held = [
            (n, mib)
            for n, mib, after in zip(self.open_streams, self.rss_mib, self.closed, strict=True)
            if not after
        ]
        slope = np.polyfit([n for n, _ in held], [mib for _, mib in held], 1)[0]
        return max(0.0, float(slope) * 1024)

    def columns(self) -> dict[str, list[float]]:
        """Return the series `memory:ARM` of a record."""
        return msgspec.structs.asdict(self)


async def weigh(
    lanes: Sequence[Lane], ports: Sequence[int], *, steps: Sequence[int] = STEPS
) -> tuple[dict[str, Weight], list[str]]:
    """Return the weight of every proxy and relay, by name, and why others have none.

    `ports` are those of the engines; none are known: nothing is weighed. Raises OSError.
    """
    found, notes = {}, []
    if not await _simulated(ports):
        return {}, ["memory per open stream is measured in front of simulated engines only"]
    allow_files()
    async with _silent(ports):
        for lane in lanes:
            port = local_port(lane.targets[0].url)
            if lane.arm.role not in {PROXY, FLOOR} or not lane.arm.pids or port is None:
                continue
            one, problem = await _weigh(lane, port, steps)
            if problem:
                notes.append(f"{lane.name}: {problem}, so the memory of a stream is unknown")
            else:
                found[lane.name] = one
    return found, notes


async def _simulated(ports: Sequence[int]) -> bool:
    """Tell whether all engines can be silenced: simulated, and nobody else plays with them."""
    try:
        told = [msgspec.json.decode(await engines.ask(port, "GET", "state")) for port in ports]
    except (NotReadyError, OSError, msgspec.DecodeError):
        return False
    return bool(told) and all(
        isinstance(one, Mapping) and one.get("simulated") and not one.get("faults") for one in told
    )


@asynccontextmanager
async def _silent(ports: Sequence[int]) -> AsyncIterator[None]:
    for port in ports:
        await engines.switch(port, SILENT)
    try:
        yield
    finally:
        for port in ports:
            await engines.switch(port)


async def _weigh(lane: Lane, port: int, steps: Sequence[int]) -> tuple[Weight, str]:
    target = msgspec.structs.replace(lane.targets[0], stream=True)
    text = prompts.text(PROMPT, unique=f"held:{lane.name}")
    request = requests.Heads(target).message(requests.document(target, text, TOKENS))
    weight, sets = Weight(), list[Lines]()
    try:
        # What a process loads once, and buffers it keeps, are no stream's.
        sets.append(await Lines.open([port], WARM))
        await sets[0].hold(lambda _: request, timeout=SLOW_S)
        sets.pop().close()
        await asyncio.sleep(SETTLE_S)
        weight.add(0, lane.arm.pids)
        for count in steps:
            more = count - int(weight.open_streams[-1])
            sets.append(await Lines.open([port], more))
            begun = await sets[-1].hold(lambda _: request, timeout=SLOW_S)
            if begun < more:
                return weight, f"of {more} more streams {begun} began within {SLOW_S:g} s"
            await asyncio.sleep(SETTLE_S)
            weight.add(count, lane.arm.pids)
    except OSError as problem:
        return weight, f"its connections cannot be held ({problem})"
    finally:
        for lines in sets:
            lines.close()
    await asyncio.sleep(2 * SETTLE_S)
    weight.add(0, lane.arm.pids, closed=True)
    return weight, ""
