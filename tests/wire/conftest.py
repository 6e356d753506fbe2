"""The wire tier: real loopback sockets, on both loops, with an eye on calls that block the loop."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail a test in which the proxy calls something that blocks while it runs on the loop.

    Only calls that come from `proxy` count: a test may well read a file.
    """
    with blockbuster_ctx(scanned_modules=["proxy"]):
        yield
