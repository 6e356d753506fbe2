"""`make bench-cancel`: how soon an engine is free again after its client has left.

Clients disconnect in four phases: queued in the proxy, in the prefill, in the middle of a stream,
and waiting for an answer that is not streamed; half of them by FIN, half by RST. The stamp of the
client's close and the engine's stamp of the lost connection are of one clock. A client that leaves
the proxy's queue must never reach an engine at all.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop

from benchmarks.driver import arms, cold, engines, yardsticks
from benchmarks.driver.client import Connection, connect
from benchmarks.driver.procs import NotReadyError, free_port
from benchmarks.driver.workload import chat, prompt
from benchmarks.measure import host
from benchmarks.report.cancel import Outcome, cancel_report, encoded

MEASURED, INVALID = 0, 4
TOGETHER = 25  # clients in one phase at a time
PATIENCE_S = 2.0  # an engine that has not noticed by then never will
PACE = engines.Pace(name="paced", step=0.02)
BEFORE_FIRST = {"kind": "silence", "after": 0}


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a request's life its client leaves."""

    name: str
    stream: bool
    faults: tuple[object, ...] = ()
    queued: bool = False  # in the proxy: the engine has a single slot, and it is taken


PHASES = (
    Phase(name="queued", stream=True, queued=True),
    Phase(name="prefill", stream=True, faults=(BEFORE_FIRST,)),
    Phase(name="mid-stream", stream=True),
    Phase(name="non-stream", stream=False),
)


class Record(msgspec.Struct, frozen=True):
    """What is read of an engine's account of a request."""

    id: str
    abort_ns: int


class Account(msgspec.Struct, frozen=True):
    """The answer of `/fake/requests`."""

    requests: list[Record]


class State(msgspec.Struct, frozen=True):
    """What is read of `/fake/state`."""

    running: int
    waiting: int


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks cancel", description=__doc__)
    parser.add_argument("--times", type=int, default=1000, help="disconnects, all phases together")
    parser.add_argument("--subject", default=arms.HEADRACE, help="headrace, nginx or envoy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(words)


def narrow(ports: Sequence[int]) -> str:
    """Return a configuration with one request in flight for each engine."""
    backends = "".join(
        f"  - {{name: e{engine}, url: 'http://127.0.0.1:{engine}', max_in_flight: 1}}\n"
        for engine in ports
    )
    return f"backends:\n{backends}"


def capped(port: int, ports: Sequence[int], folder: Path) -> list[str]:
    """Write the narrow configuration and return the command that serves with it."""
    file = folder / "headrace.yaml"
    file.write_text(narrow(ports))
    return [*yardsticks.headrace(port, free_port({port}), ()), "-c", str(file)]


def request(port: int, identity: str, *, stream: bool) -> bytes:
    """Return a request whose answer takes minutes."""
    named = {"X-Request-Id": identity}
    return chat(port, prompt(100), tokens=10_000, stream=stream, headers=named)


async def occupied(engine: int, count: int) -> None:
    """Wait until an engine has `count` requests. Raises NotReadyError after `PATIENCE_S`."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                state = msgspec.json.decode(await engines.ask(engine, "GET", "state"), type=State)
                if state.running + state.waiting >= count:
                    return
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise NotReadyError(f"fewer than {count} requests reached the engine") from None


async def account(engine: int, known: dict[str, int]) -> dict[str, int]:
    """Return the abort stamps by request id of the requests in `known`; 0: not aborted."""
    found = msgspec.json.decode(await engines.ask(engine, "GET", "requests"), type=Account)
    return {record.id: record.abort_ns for record in found.requests if record.id in known}


async def leave(lines: dict[str, Connection], dice: random.Random) -> dict[str, int]:
    """Hang up on all, one after the other, every second one by reset; return the stamps."""
    closed = {}
    for turn, (identity, line) in enumerate(lines.items()):
        await asyncio.sleep(dice.uniform(0.001, 0.004))
        closed[identity] = line.hang_up(reset=turn % 2 == 1)
    return closed


async def batch(
    arm: arms.Arm, engine: int, phase: Phase, names: Sequence[str], seed: int
) -> Outcome:
    """Bring one batch of clients into the phase, let them leave, and read the engine's account."""
    port, dice = arm.ports[0], random.Random(seed)
    outcome = Outcome(phase=phase.name, queued=phase.queued)
    lines = {name: await connect(port) for name in names}
    early: list[str] = []
    for name, line in lines.items():
        line.send(request(port, name, stream=phase.stream), lambda one: early.append(one.failure))
    await (asyncio.sleep(0.05) if phase.queued else occupied(engine, len(names)))
    if phase.name == "mid-stream":
        await asyncio.sleep(0.1)
    outcome.invalid = len(early)
    closed = await leave(lines, dice)
    deadline = asyncio.get_running_loop().time() + (0.1 if phase.queued else PATIENCE_S)
    seen = await account(engine, closed)
    while len(seen) < len(closed) or not all(seen.values()):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.02)
        seen = await account(engine, closed)
    outcome.settle(closed, seen)
    return outcome


async def through(arm: arms.Arm, engine: int, phase: Phase, times: int, seed: int) -> Outcome:
    """Take `times` clients through one phase. Raises NotReadyError."""
    await engines.ask(engine, "DELETE", "requests")
    await engines.switch(engine, *phase.faults)
    total = Outcome(phase=phase.name, queued=phase.queued)
    holder = await connect(arm.ports[0]) if phase.queued else None
    if holder is not None:
        holder.send(request(arm.ports[0], "holder", stream=True), lambda _: None)
        await occupied(engine, 1)
    for start in range(0, times, TOGETHER):
        count = min(TOGETHER, times - start)
        names = [f"{phase.name}-{start + k}" for k in range(count)]
        total.merge(await batch(arm, engine, phase, names, seed + start))
    if holder is not None:
        await released(arm, engine, holder, total, times)
    await engines.switch(engine)
    return total


async def released(
    arm: arms.Arm, engine: int, holder: Connection, total: Outcome, times: int
) -> None:
    """Free the engine's slot: a request that waited gets it, and none of those who left does.

    Raises NotReadyError if the one that stayed is not served: then the others were not queued.
    """
    waiting = await connect(arm.ports[0])
    waiting.send(request(arm.ports[0], "stayed", stream=True), lambda _: None)
    await asyncio.sleep(0.05)
    holder.hang_up()
    await asyncio.sleep(0.3)
    names = dict.fromkeys((f"queued-{k}" for k in range(times)), 0)
    seen = await account(engine, names | {"stayed": 0})
    waiting.hang_up()
    if "stayed" not in seen:
        raise NotReadyError("the request that stayed in the queue was not served")
    total.missed = len(seen) - 1


async def run(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    """Measure every phase the subject has. Raises NotReadyError."""
    found = arms.find([options.subject])
    outcomes = []
    with ExitStack() as stack:
        (engine,) = await engines.start(PACE, 1, stack, folder)
        for plan in found.plans:
            arm = await arms.start(plan, [engine], cold.greeting, stack, folder)
            queueing = arms.Plan(name="headrace-capped", command=capped)
            for phase in PHASES:
                if phase.queued and options.subject != arms.HEADRACE:
                    continue
                through_arm = (
                    await arms.start(queueing, [engine], cold.greeting, stack, folder)
                    if phase.queued
                    else arm
                )
                times = options.times // len(PHASES)
                print(f"{phase.name}: {times} clients", file=sys.stderr, flush=True)
                outcomes.append(await through(through_arm, engine, phase, times, options.seed))
    return outcomes


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the report, return the exit code: 0 measured, 4 could not."""
    options = arguments(words)
    with tempfile.TemporaryDirectory(prefix="cancel-") as folder:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                outcomes = runner.run(run(options, Path(folder)))
        except (NotReadyError, OSError) as error:
            print(f"cannot measure: {error}", file=sys.stderr)
            return INVALID
    if options.json is not None:
        options.json.write_bytes(encoded(outcomes, host.facts()))
    print(cancel_report(outcomes, options.subject))
    return MEASURED if outcomes and not any(one.invalid for one in outcomes) else INVALID


if __name__ == "__main__":
    sys.exit(main())
