"""One of three engines is killed, four times over, while 200 requests a second come."""

import asyncio

from benchmarks.fake.launch import start
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import Sender
from tests.beside.scorecard.stage import profiles, staged

REQUESTS, RATE, KILLS = 5000, 200.0, 4
TOKENS, PACE = 8, 0.01


async def measure() -> list[Row]:
    """Kill and start again; count what clients saw of it."""
    shapes = profiles(3, pace=PACE, output_tokens=TOKENS)
    async with staged(shapes) as stage:
        sender = Sender(stage.port, RATE, TOKENS)
        load = asyncio.ensure_future(sender.run(until=lambda: len(sender.asked) >= REQUESTS))
        span = REQUESTS / RATE / (KILLS + 1)
        started = []
        for kill in range(KILLS):
            await asyncio.sleep(span / 2)
            victim = kill % len(shapes)
            stage.engines[victim].kill()
            await stage.engines[victim].ended()
            await asyncio.sleep(span / 2)
            stage.engines[victim] = await start(shapes[victim])
            started.append(stage.engines[victim])
        asked = await load
        for child in started:
            await child.stop()
    before = [each for each in asked if each.error and not each.begun]
    within = [each for each in asked if each.error and each.begun]
    return [
        Row(
            figure="errors when one of three engines dies under 200 requests a second",
            target="0 of 5,000 before the first byte",
            measured=f"{len(before)} of {len(asked):,}, {KILLS} kills; {len(within)} streams that "
            "had begun broke off and said so",
            met=not before,
        )
    ]
