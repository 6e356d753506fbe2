"""Four workers under 200 requests a second: one killed, all reloaded, upgraded, told to end.

Half of the load keeps its connections, half opens one for each request. What the rules allow: a
killed worker takes with it what it had under way. Everything else is an error.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import Asked, Sender
from tests.beside.scorecard.stage import Stage, page, profiles, staged
from tests.fixtures.crowd import logged, replaced, until, workers

RATE, TOKENS, PACE = 200.0, 8, 0.01
BEFORE, AFTER = 2.0, 3.0  # seconds of load around each event
REFUSED, QUEUED = "ConnectionRefused", 0.1  # seconds before the first refusal
SETTINGS = "workers: 4\ndrain: {delay: 500ms, timeout: 20s}\n"


class Loads:
    """Two senders with half the rate each."""

    def __init__(self, port: int) -> None:
        half = RATE / 2
        self.senders = [Sender(port, half, TOKENS, fresh=fresh) for fresh in (False, True)]

    @property
    def asked(self) -> list[Asked]:
        """Return all that has ended."""
        return [one for sender in self.senders for one in sender.asked]

    async def run(self) -> None:
        """Send until told that it is over."""
        await asyncio.gather(*(sender.run() for sender in self.senders))


@contextlib.asynccontextmanager
async def loaded(stage: Stage) -> AsyncIterator[Loads]:
    """Keep up the load around what is done inside."""
    loads = Loads(stage.port)
    running = asyncio.ensure_future(loads.run())
    await asyncio.sleep(BEFORE)
    try:
        yield loads
        await asyncio.sleep(AFTER)
    finally:
        for sender in loads.senders:
            sender.over = True
        await running


async def killed(stage: Stage) -> Row:
    """Kill one of the four."""
    loop = asyncio.get_running_loop()
    async with loaded(stage) as loads:
        index, pid = next(iter((await workers(stage.proxy)).items()))
        at = loop.time()
        os.kill(pid, signal.SIGKILL)
        await replaced(stage.proxy, index, pid)
        seconds = loop.time() - at
    errors = [each for each in loads.asked if each.error]
    others = [each for each in errors if not each.began <= at + 0.05 or each.ended < at]
    return _row(
        "one of four workers is killed",
        loads.asked,
        others,
        f"; {len(errors) - len(others)} that it had under way ended with it; "
        f"replaced after {seconds:.1f} s",
    )


async def reloaded(stage: Stage) -> Row:
    """Put other settings in force."""
    async with loaded(stage) as loads:
        file = stage.folder / "headrace.yaml"
        file.write_text(file.read_text() + "limits: {queue: 777}\n")
        await page(stage.admin, "/-/reload", method="POST")
    return _row("the settings are reloaded", loads.asked, [e for e in loads.asked if e.error])


async def upgraded(stage: Stage) -> tuple[Row, int]:
    """Let a successor take over; return its process id, too."""
    async with loaded(stage) as loads:
        stage.proxy.send(signal.SIGUSR2)
        await until(lambda: logged(stage.proxy, "successor serves: letting go"), 60)
        pid = int(str(logged(stage.proxy, "successor started")[0]["pid"]))
        await stage.proxy.ended(60)
    row = _row(
        "a new process takes over (SIGUSR2)", loads.asked, [e for e in loads.asked if e.error]
    )
    return row, pid


async def ended(stage: Stage, pid: int) -> Row:
    """Tell it to end. Who came too late to be let in is no error.

    Such a client is refused, or reset while the kernel still held it in the queue of a listener
    that closes.
    """
    loads = Loads(stage.port)
    running = asyncio.ensure_future(loads.run())
    await asyncio.sleep(BEFORE)
    os.kill(pid, signal.SIGTERM)
    await until(lambda: len(logged(stage.proxy, "stopped")) == 2, 60)
    for sender in loads.senders:
        sender.over = True
    await running
    closed = min(each.began for each in loads.asked if REFUSED in each.error)
    _, fresh = loads.senders
    late = [e for e in fresh.asked if e.error and not e.begun and e.began > closed - QUEUED]
    refused = [e for e in loads.asked if REFUSED in e.error]
    errors = [e for e in loads.asked if e.error and e not in refused and e not in late]
    let_in = [e for e in loads.asked if not e.error]
    queued = sum(e not in refused for e in late)
    return _row(
        "it is told to end (SIGTERM)",
        [*let_in, *errors],
        errors,
        f"; {queued} more in the kernel's queue when the listener closed",
    )


def _row(what: str, asked: list[Asked], errors: list[Asked], more: str = "") -> Row:
    first = f" ({errors[0].error[:60]})" if errors else ""
    return Row(
        figure=f"200 requests a second while {what}",
        target="0 errors",
        measured=f"{len(errors)} of {len(asked):,}{first}{more}",
        met=not errors,
    )


async def measure() -> list[Row]:
    """Do one after the other to the same proxy."""
    async with staged(profiles(2, pace=PACE, output_tokens=TOKENS), SETTINGS) as stage:
        rows = [await killed(stage), await reloaded(stage)]
        row, pid = await upgraded(stage)
        try:
            rows += [row, await ended(stage, pid)]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return rows
