"""What an engine says of itself, and what follows from half of it."""

import pytest

from proxy.core.reported import Reported


@pytest.mark.parametrize(
    ("said", "requests"),
    [
        (Reported(), None),
        (Reported(kv_used=0.5), None),
        (Reported(running=2), 2),
        (Reported(waiting=3), 3),
        (Reported(running=2, waiting=3), 5),
    ],
)
def test_requests_are_those_that_run_and_those_that_wait(
    said: Reported, requests: int | None
) -> None:
    assert said.requests == requests
