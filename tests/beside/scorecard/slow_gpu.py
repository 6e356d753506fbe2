"""The wait for the first token when one of four engines is three times slower than the others.

The same requests at the same times go through headrace as it is, and through the usual policy:
fewest requests under way, nobody passed over for being slow. Twice with other dice, because the
99th percentile of some hundred answers is a handful of them.
"""

import msgspec

from benchmarks.client.probe import probe
from benchmarks.client.target import Target
from benchmarks.fake.profile import Profile
from benchmarks.load.workload import Shape, draw
from benchmarks.method.experience import first_wait
from benchmarks.method.readiness import known
from benchmarks.method.sending import prepare
from tests.beside.scorecard.row import Row, percentile
from tests.beside.scorecard.stage import profiles, staged

ENGINES, SLOWER, MOST = 4, 3.0, 0.7
SEEDS = (1, 2)
SHAPE = Shape(rate=16.0, duration=15.0, input="lognormal:600,4000", output="lognormal:40,300")
STEP, PER_TOKEN = 0.01, 0.000125  # seconds: 8,000 tokens of prompt a second
FAR = 1_000_000
PLAIN = "balance: {policy: least-connections, outliers: {slowness: null}}\n"


def fleet() -> list[Profile]:
    """Return engines of which the first is slow."""
    made = profiles(
        ENGINES,
        pace=STEP,
        prefill_per_token=PER_TOKEN,
        max_num_seqs=64,
        output_tokens=FAR,
        context_length=FAR,
    )
    slow = msgspec.structs.replace(
        made[0], pace=STEP * SLOWER, prefill_per_token=PER_TOKEN * SLOWER
    )
    return [slow, *made[1:]]


async def waits(more: str, seed: int) -> list[float]:
    """Return the ms until the first token of every request; without an answer: for ever."""
    async with staged(fleet(), more) as stage:
        target = Target(name="headrace", url=stage.proxy.url)
        seen = await probe(target)
        joint = await prepare(
            [known(target, seen, seen.stamp)], draw(SHAPE, seed=seed), warm=16, timeout=60.0
        )
        try:
            trial = await joint.run()
        finally:
            await joint.close()
    found = [first_wait(one) for one in trial.observed]
    return [float("inf") if wait is None else wait for wait in found]


async def measure() -> list[Row]:
    """Compare the 99th percentiles."""
    own = [wait for seed in SEEDS for wait in await waits("", seed)]
    plain = [wait for seed in SEEDS for wait in await waits(PLAIN, seed)]
    ours, theirs = percentile(own, 0.99), percentile(plain, 0.99)
    return [
        Row(
            figure="p99 of the first token, one of four engines three times slower",
            target=f"{MOST} x least connections",
            measured=f"{ours / theirs:.2f} x: {ours:.0f} ms, least connections {theirs:.0f} ms; "
            f"median {percentile(own, 0.5):.0f} and {percentile(plain, 0.5):.0f} ms",
            met=ours / theirs <= MOST,
        )
    ]
