"""A session refuses words it does not know; tests/wire builds one."""

import pytest

from benchmarks.client.target import EndpointError
from benchmarks.method.session import session
from benchmarks.method.stage import Wanted


async def test_an_unknown_pin_is_refused_before_anything_is_started() -> None:
    with pytest.raises(EndpointError, match="--pin takes auto or off"):
        async with session(Wanted(), pin="maybe", warm=0, timeout=1.0):
            pass
