"""A session: the stage built and probed, this process pinned, and a way to measure blocks on it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.client.probe import probe
from benchmarks.client.target import EndpointError
from benchmarks.driver.procs import NotReadyError
from benchmarks.load.planned import Schedule
from benchmarks.measure import host
from benchmarks.method.blocks import Bench, measure
from benchmarks.method.lanes import Lane
from benchmarks.method.pinning import Pins, of_words, pinned_here
from benchmarks.method.readiness import ready
from benchmarks.method.relay import burned_ns
from benchmarks.method.rounds import Design, Played, Rounds, Step
from benchmarks.method.sending import prepare
from benchmarks.method.stage import Stage, Wanted, build


class Session(msgspec.Struct, kw_only=True):
    """What blocks are measured with."""

    stage: Stage
    lanes: list[Lane]
    bench: Bench
    pins: Pins
    stolen_s: float
    """Of all CPUs since boot, when it began."""

    async def play(
        self,
        schedule: Callable[[int], Schedule],
        design: Design,
        *,
        lanes: Sequence[Lane] | None = None,
        tell: Callable[[Step], None] = lambda _: None,
    ) -> Played:
        """Play rounds over all lanes, or some. Raises EndpointError for an address that is gone."""
        chosen = self.lanes if lanes is None else lanes
        with pinned_here(self.pins.client):
            return await Rounds(
                chosen, partial(measure, self.bench), schedule, design, tell=tell
            ).play()

    def facts(self) -> dict[str, str]:
        """Return what belongs beside the figures and is known only afterwards."""
        return {
            "pinned": self.pins.words(),
            "load after": host.facts()["load"],
            "stolen by the hypervisor": f"{host.stolen() - self.stolen_s:.1f} s",
        }


@asynccontextmanager
async def session(wanted: Wanted, *, pin: str, warm: int, timeout: float) -> AsyncIterator[Session]:
    """Build and probe what is wanted; everything started ends with the context.

    Raises EndpointError and NotReadyError with a sentence each, OSError for what does not start.
    """
    if not host.supported():
        raise NotReadyError("This kernel does not publish /proc/PID/schedstat: no CPU figures.")
    try:
        pins = of_words(pin)
    except ValueError as problem:
        raise EndpointError(f"{problem}.") from None
    stolen = host.stolen()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stage = await build(wanted, stack, folder, pins)
        bench = Bench(
            prepare=prepare,
            engines=stage.engines,
            warm=warm,
            timeout=timeout,
            meters={name: partial(burned_ns, file) for name, file in stage.ledgers.items()},
        )
        lanes = await ready(stage.lanes, probe)
        yield Session(stage=stage, lanes=lanes, bench=bench, pins=pins, stolen_s=stolen)
