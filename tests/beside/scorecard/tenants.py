"""A tenant beside one who asks ten times as much, on engines that are full.

Both ask in closed loops: 4 clients of the one, 40 of the other, and the engine has 8 places. An
even share is what the quiet tenant would use if it were alone.
"""

import asyncio
import hashlib
import time

from benchmarks.driver.workload import chat, prompt
from tests.beside.scorecard.row import Row, percentile
from tests.beside.scorecard.sending import Asked, ask, open_line
from tests.beside.scorecard.stage import Stage, profiles, staged

QUIET, LOUD, PLACES = 4, 40, 8
TOKENS, PACE = 20, 0.01
WARM, SECONDS = 3.0, 7.0  # until the queue knows its rate; what counts
SLOWER, FAIR = 1.3, 0.95
BACK_OFF = 0.2  # seconds after a refusal


def key(name: str) -> str:
    """Return a tenant's key, in the shape of ours."""
    return f"hr-{name * 8:a<43.43}"


def settings(limits: str) -> str:
    """Return the keys; `limits` is what the loud tenant's key has besides."""
    listed = "".join(
        f"    {name}: {{hash: 'sha256:{hashlib.sha256(key(name).encode()).hexdigest()}'{more}}}\n"
        for name, more in (("quiet", ""), ("loud", limits))
    )
    return f"keys:\n  clients:\n{listed}"


async def loop(stage: Stage, name: str, until: float, found: list[Asked]) -> None:
    """Ask again as soon as there is an answer; later if it was a refusal."""
    headers = {"Authorization": f"Bearer {key(name)}"}
    request = chat(stage.port, prompt(100), tokens=TOKENS, stream=True, headers=headers)
    line = await open_line(stage.port)
    while time.monotonic() < until:
        asked = await ask(line, request, stream=True)
        if asked.status == 429:
            await asyncio.sleep(BACK_OFF)
        else:
            found.append(asked)
        if not line.free:
            line = await open_line(stage.port)
    line.hang_up()


async def play(stage: Stage, loud: int) -> tuple[list[float], int]:
    """Return how long the quiet tenant's answers took, and how many the loud one got."""
    begin = time.monotonic() + WARM
    until = begin + SECONDS
    own: list[Asked] = []
    other: list[Asked] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(QUIET):
            group.create_task(loop(stage, "quiet", until, own))
        for _ in range(loud):
            group.create_task(loop(stage, "loud", until, other))
    late = [each for each in own if each.began >= begin and not each.error]
    return [each.ended - each.began for each in late], sum(each.began >= begin for each in other)


def jain(one: float, other: float) -> float:
    """Return Jain's index of two shares: 1 is even, 0.5 is all for one."""
    return (one + other) ** 2 / (2 * (one * one + other * other))


async def compared(limits: str) -> tuple[float, float]:
    """Return how much slower the quiet tenant is beside the loud one, and how even the shares."""
    (shape,) = profiles(1, pace=PACE, max_num_seqs=64, output_tokens=TOKENS)
    cap = f"max_in_flight: {PLACES}"
    async with staged([shape], settings(limits), cap) as stage:
        alone, _ = await play(stage, 0)
        beside, other = await play(stage, LOUD)
    slower = percentile(beside, 0.95) / percentile(alone, 0.95)
    return slower, jain(len(beside), other)


async def measure() -> list[Row]:
    """Measure with the limits that a key has by default, none, and with one for the loud key."""
    free, even = await compared("")
    bound, even_bound = await compared(f", concurrency: {PLACES // 2}")
    target = f"{SLOWER} x alone, Jain's index {FAIR}"
    return [
        Row(
            figure="p95 of a tenant beside one ten times as loud, no limits",
            target=target,
            measured=f"{free:.1f} x, {even:.2f}",
            met=free <= SLOWER and even >= FAIR,
        ),
        Row(
            figure="the same, with `concurrency` for the loud one's key: half the places",
            target=target,
            measured=f"{bound:.2f} x, {even_bound:.2f}",
            met=bound <= SLOWER and even_bound >= FAIR,
        ),
    ]
