"""The soak of `make soak`, short: mixed faults, then all is given back and accounted for.

Memory is not judged here: in so short a time it says nothing.
"""

import os

import pytest

from tests.beside.scorecard.soak import soak

SECONDS = float(os.environ.get("HEADRACE_SOAK", "15"))


@pytest.mark.slow
async def test_nothing_is_kept_and_every_request_ends_by_a_code() -> None:
    _, held, accounts = await soak(SECONDS)
    assert held.met, held.measured
    assert accounts.met, accounts.measured
    assert "--" in accounts.measured
