"""What the settings of balancing do, from the file to the wire."""

from collections.abc import Callable

import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.core import health
from tests.fixtures.stack import backends, eventually, serving

Port = Callable[[], int]


@pytest.mark.setting("balance.slow_start")
@pytest.mark.parametrize(("seconds", "cap"), [("0s", 20), ("30s", 2)])
async def test_who_comes_back_begins_with_a_part_of_its_cap(
    free_port: Port, seconds: str, cap: int
) -> None:
    async with running(Profile()) as engine:
        document = backends(engine, max_in_flight=20) + f"balance: {{slow_start: {seconds}}}\n"
        async with serving(document, free_port) as stack:
            (backend,) = stack.instance.backends()
            engine.faults.set(Fault(kind=Kind.DOWN))
            stack.instance._prober.wake(backend)
            await eventually(lambda: backend.health.state is health.State.DOWN)
            engine.faults.clear()
            await eventually(lambda: backend.available(stack.instance.now()))

            async with stack.ask() as answer:
                assert answer.status == 200

            assert backend.effective_cap == cap
