"""What is found out of the arms before load: models, and stamps that all of them carry."""

import pytest

from benchmarks.client.probe import Probed
from benchmarks.client.target import EndpointError, Stamp, Target
from benchmarks.method.readiness import ready
from tests.fixtures.trials import lanes


def probed(stamp: Stamp = Stamp.FIELD, *, ignore_eos: bool = True) -> Probed:
    return Probed(
        model="llama",
        models=("llama",),
        engine="simulated",
        stamp=stamp,
        ignore_eos=ignore_eos,
        streamed=True,
        first_token_ms=1,
        spread_ms=200,
        chunks=24,
        tokens=24,
    )


async def test_every_arm_gets_model_and_stamp() -> None:
    async def probe(target: Target) -> Probed:
        return probed(ignore_eos=target.name != "mine")

    found = await ready(lanes("direct", "mine"), probe)

    targets = [lane.targets[0] for lane in found]
    assert [one.model for one in targets] == ["llama", "llama"]
    assert [one.stamp for one in targets] == [Stamp.FIELD, Stamp.FIELD]
    assert [one.ignore_eos for one in targets] == [True, False]


async def test_an_arm_that_loses_stamps_is_named() -> None:
    async def probe(target: Target) -> Probed:
        return probed(Stamp.NONE if target.name == "mine" else Stamp.FIELD)

    with pytest.raises(EndpointError, match=r"mine writes answers anew .* --stamps content"):
        await ready(lanes("direct", "mine"), probe)


async def test_a_real_engine_has_no_stamps_to_lose() -> None:
    async def probe(_target: Target) -> Probed:
        return probed(Stamp.NONE)

    found = await ready(lanes("direct", "mine"), probe)

    assert {lane.targets[0].stamp for lane in found} == {Stamp.NONE}


async def test_what_cannot_be_probed_is_named() -> None:
    async def probe(target: Target) -> Probed:
        if target.name == "mine":
            raise EndpointError("Nothing listens at http://x:1.")
        return probed()

    with pytest.raises(EndpointError, match=r"^mine: Nothing listens"):
        await ready(lanes("direct", "mine"), probe)
