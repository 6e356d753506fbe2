"""Eight thousand streams held open at once, and what each of them weighs."""

import asyncio

from benchmarks.driver import engines
from benchmarks.driver.client import Connection
from benchmarks.driver.load import Lines
from benchmarks.driver.procs import NotReadyError
from benchmarks.driver.workload import chat, prompt
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.stage import Stage, metric, port_of, profiles, staged

STREAMS, FILES, MOST_KIB = 8000, 20_000, 20
TOGETHER = 400
FAR = 1_000_000  # tokens
HELD = 10.0  # seconds
SILENT = {"kind": "silence", "after": 1}
PATIENT = "balance: {outliers: {silence: 0s}}\n"  # else such an engine is taken for a dead one


async def hold(stage: Stage, count: int) -> list[Connection]:
    """Open streams that say one token and then nothing, some at a time."""
    request = chat(stage.port, prompt(100), tokens=600, stream=True)
    held: list[Connection] = []
    while len(held) < count:  # a connection without a request is closed after 10 s
        lines = await Lines.open([stage.port], min(TOGETHER, count - len(held)))
        held += lines.connections
        begun = await lines.hold(lambda _: request, timeout=60.0)
        if begun < len(lines.connections):
            failed = [line for line in held if line.failure or line.status not in {0, 200}]
            why = f": {failed[0].failure or failed[0].status}" if failed else ""
            raise NotReadyError(f"{begun} of {len(lines.connections)} more streams began{why}")
    return held


async def measure() -> list[Row]:
    """Hold them, read the memory, and see that all are still there and then all are gone."""
    (shape,) = profiles(1, max_num_seqs=STREAMS + 100, output_tokens=FAR, kv_tokens=1000 * FAR)
    async with staged([shape], PATIENT) as stage:
        await engines.switch(port_of(stage.engines[0].url), SILENT)
        for line in await hold(stage, 100):
            line.hang_up()
        before = await stage.settled()
        lines = await hold(stage, STREAMS)
        await asyncio.sleep(HELD)
        kib = (await stage.settled(60.0) - before) / STREAMS
        held = int(await metric(stage.admin, "headrace_requests_in_flight"))
        alive = sum(bool(line.transport and not line.failure) for line in lines)
        for line in lines:
            line.hang_up()
        async with asyncio.timeout(30):
            while await metric(stage.admin, "headrace_requests_in_flight"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    return [
        Row(
            figure=f"idle streams held at once, {FILES:,} files allowed",
            target=f"{STREAMS:,}, {MOST_KIB} KiB each",
            measured=f"{min(held, alive):,}, {kib:.1f} KiB each",
            met=min(held, alive) >= STREAMS and kib <= MOST_KIB,
        )
    ]
