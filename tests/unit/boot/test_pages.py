"""What the admin pages see of one process."""

from collections.abc import AsyncIterator

import pytest

from proxy.boot.instance import Instance
from tests.fixtures.crew import SETTINGS, Nowhere
from tests.fixtures.view import ended_call


@pytest.fixture
async def instance() -> AsyncIterator[Instance]:
    """Make a proxy that is never started."""
    made = Instance(SETTINGS, Nowhere())
    yield made
    await made.stop()


async def test_looks_are_brought_up_to_date(instance: Instance) -> None:
    instance._course.started()
    assert instance.in_flight() == 1

    instance._journal.finished(ended_call(instance.backends()[0]))

    assert instance.in_flight() == 0
    assert b"headrace_requests_total{" in instance.metrics.render()
    assert instance.failures() == ()


async def test_one_process_is_a_crew_of_one(instance: Instance) -> None:
    assert (len(instance.crew), instance.crew.rows()) == (1, ())
    assert instance.config()["valid"]
    assert not instance.draining
