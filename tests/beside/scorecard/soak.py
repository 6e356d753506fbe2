"""A soak: mixed faults for as long as asked, then everything is given back and accounted for.

Three engines, 40 requests a second in waves, and all of `mischief`. Every two seconds the memory
and the open files of headrace are read, and how many tasks it has. In the end the faults stop, and
when nothing is under way any more, files and tasks are compared with those of the beginning, and
the requests that clients sent with those that ended by a code.
"""

import asyncio
import time
from collections import Counter

import msgspec
import numpy as np

from benchmarks.measure import host
from tests.beside.scorecard.mischief import FAULTS, Mischief
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import Sender
from tests.beside.scorecard.stage import Stage, metric, page, profiles, staged
from tests.beside.scorecard.watched import FILE

RATE, WAVE = 40.0, 15.0  # requests a second; seconds of calm and of load in turn
TOKENS, PACE = 8, 0.01
SETTINGS = "timeouts: {first_token: 5s, idle: 5s}\n"
EVERY = 2.0  # seconds between two readings
WARM = 0.25  # of the time: what a process loads once is no leak
MOST_MIB = 1.0  # an hour
LONG = 600.0  # seconds: below, a slope says nothing, and the growth must stay below GREW_MIB
GREW_MIB = 4.0
SPARE = 3  # files: connections that headrace keeps to its engines come and go


class Reading(msgspec.Struct, frozen=True):
    """What headrace holds at a time."""

    at: float
    rss_mib: float
    files: int
    tasks: int


def read(stage: Stage) -> Reading:
    """Look at the process from outside, and at what it wrote about its tasks."""
    pid = stage.proxy.process.pid
    return Reading(
        at=time.monotonic(),
        rss_mib=host.memory([pid]).rss_kib / 1024,
        files=host.descriptors([pid]) or 0,
        tasks=int((stage.folder / FILE).read_text() or 0),
    )


async def calm(stage: Stage) -> Reading:
    """Wait until nothing is under way and what was pooled has been let go; return what is held."""
    async with asyncio.timeout(60):
        while await metric(stage.admin, "headrace_requests_in_flight"):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await asyncio.sleep(6.0)  # idle connections to engines live 4 s
    return read(stage)


async def _waves(stage: Stage, until: float) -> list[Sender]:
    """Send in waves, each over connections of its own."""
    senders = []
    turn = 0
    while time.monotonic() < until:
        turn += 1
        senders.append(Sender(stage.port, RATE * (1.5 if turn % 2 else 0.5), TOKENS))
        await senders[-1].run(min(WAVE, until - time.monotonic()))
    return senders


async def _readings(stage: Stage, into: list[Reading]) -> None:
    while True:
        into.append(read(stage))
        await asyncio.sleep(EVERY)


def accounted(stage: Stage) -> Counter[str]:
    """Return how many requests for a chat ended by which code, as the access log has it."""
    lines = stage.proxy.access_lines()
    return Counter(str(line["end"]) for line in lines if line.get("model"))


async def soak(seconds: float) -> list[Row]:
    """Make trouble for so long."""
    shapes = profiles(3, pace=PACE, output_tokens=500)
    module = "tests.beside.scorecard.watched"
    async with staged(shapes, SETTINGS, module=module) as stage:
        await Sender(stage.port, RATE, TOKENS).run(3.0)
        before, ended_before = await calm(stage), accounted(stage).total()
        seen: list[Reading] = []
        mischief = Mischief(stage, shapes, seed=1)
        reading = asyncio.ensure_future(_readings(stage, seen))
        trouble = asyncio.ensure_future(mischief.run())
        senders = await _waves(stage, time.monotonic() + seconds)
        mischief.over = True
        await trouble
        reading.cancel()
        after = await calm(stage)
        page_after = await page(stage.admin, "/status")
        for child in mischief.started:
            await child.stop()
        ends = accounted(stage)
    sent = sum(len(sender.asked) for sender in senders) + mischief.left
    lost = sent - (ends.total() - ended_before)
    leases = sum(one.in_flight for one in msgspec.json.decode(page_after, type=_Status).backends)
    return [
        _memory(seen, seconds),
        _held(before, after, leases),
        _accounts(sent, lost, ends, mischief),
    ]


class _Backend(msgspec.Struct):
    in_flight: int


class _Status(msgspec.Struct):
    backends: list[_Backend]


def _memory(seen: list[Reading], seconds: float) -> Row:
    """Return the slope of memory after warming up."""
    settled = seen[int(len(seen) * WARM) :]
    at, rss = np.array([one.at for one in settled]), np.array([one.rss_mib for one in settled])
    slope = float(np.polyfit(at, rss, 1)[0]) * 3600
    half = len(settled) // 2
    grew = float(np.median(rss[half:]) - np.median(rss[:half]))
    long = seconds >= LONG
    return Row(
        figure=f"memory in {seconds / 60:.0f} min of mixed faults",
        target=f"{MOST_MIB:g} MiB an hour" if long else f"{GREW_MIB:g} MiB more in the second half",
        measured=f"{slope:+.1f} MiB an hour, {rss[0]:.1f} to {rss[-1]:.1f} MiB, {max(rss):.1f} at "
        f"most; {grew:+.1f} MiB in the second half",
        met=slope <= MOST_MIB if long else grew <= GREW_MIB,
    )


def _held(before: Reading, after: Reading, leases: int) -> Row:
    kept = after.files <= before.files + SPARE and after.tasks <= before.tasks
    return Row(
        figure="files, tasks and leases held when it is over",
        target="no more than before",
        measured=f"{after.files} files (before {before.files}), {after.tasks} tasks "
        f"({before.tasks}), {leases} leases",
        met=kept and not leases,
    )


def _accounts(sent: int, lost: int, ends: Counter[str], mischief: Mischief) -> Row:
    told = ", ".join(f"{code} {count:,}" for code, count in ends.most_common())
    return Row(
        figure="requests that ended by no code",
        target="0",
        measured=f"{lost} of {sent:,}; ends: {told}; {len(mischief.struck)} of {len(FAULTS)} "
        f"faults, {mischief.killed} kills, {mischief.reloads} reloads",
        met=not lost,
    )
