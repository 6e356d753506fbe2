"""The chaos tier: the faults of the catalogue, one test a row, on the loop that serves."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from blockbuster import blockbuster_ctx

from tests.fixtures.chaos import Scene, staged


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail a test in which the proxy calls something that blocks while it runs on the loop."""
    with blockbuster_ctx(scanned_modules=["proxy"]):
        yield


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest, free_port: Callable[[], int]
) -> AsyncIterator[Scene]:
    """Two engines; the faults strike `a`, which the proxy prefers; `late` shortens its limits."""
    limits = {"timeouts": request.param} if hasattr(request, "param") else {}
    async with staged(free_port, **limits) as scene:
        yield scene


@pytest.fixture
async def alone(free_port: Callable[[], int]) -> AsyncIterator[Scene]:
    """One engine and nothing to fall back on."""
    async with staged(free_port, engines=1) as scene:
        yield scene
