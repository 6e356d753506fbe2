"""Shortage: what the process may open, and who holds it."""

import resource

import pytest
from structlog.testing import capture_logs

from proxy.boot import shortage
from proxy.edge.crowding import OWN, Crowd
from tests.fixtures.course import World


@pytest.mark.parametrize(("clients", "told"), [(0, 0), (10**9, 1)])
def test_a_shortage_is_told_with_what_is_open(
    monkeypatch: pytest.MonkeyPatch, clients: int, told: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1000, 2000))
    world, crowd = World("a"), Crowd()

    with capture_logs() as lines:
        for _ in range(3):
            shortage.look(crowd, clients, world.course.sides.values())

    assert crowd.most == 1000 - 100 - OWN
    assert [line["limit"] for line in lines] == [1000] * told


def test_no_limit_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (limit, limit))
    crowd = Crowd()

    with capture_logs() as lines:
        shortage.look(crowd, 10**6, ())

    assert not lines
