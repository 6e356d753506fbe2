"""Orders for one backend: what they are answered, without a socket."""

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from proxy.edge import upkeep
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import FakeView


async def ordered(
    view: FakeView, path: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    """Return what an order is answered."""
    app = web.Application()
    upkeep.add(app, view, view.upkeep)
    request = make_mocked_request("POST", path, headers=headers, app=app)
    match = await app.router.resolve(request)
    request._match_info = match
    answer = await match.handler(request)
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    return answer.status, orjson.loads(answer.body)


@pytest.fixture
def view() -> FakeView:
    return FakeView({make_backend("gpu-a"): ["m"], make_backend("10.0.0.5:8000"): ["m"]})


async def test_a_backend_is_taken_out_of_use_and_put_back(view: FakeView) -> None:
    status, shown = await ordered(view, "/backends/10.0.0.5:8000/drain")
    assert status == 200
    assert shown == {
        "backend": "10.0.0.5:8000",
        "state": "draining",
        "reason": "draining",
        "in_flight": 0,
    }
    assert [one.draining for one in view.known] == [False, True]

    status, shown = await ordered(view, "/backends/10.0.0.5:8000/resume")
    assert (status, shown["state"]) == (200, "ready")


async def test_a_busy_one_is_waited_for_as_long_as_asked(view: FakeView) -> None:
    lease = view.known[0].lease(1.0, 1.0, 100.0)

    status, shown = await ordered(view, "/backends/gpu-a/drain?wait=1ms")
    assert (status, shown["in_flight"]) == (202, 1)
    lease.release()

    status, shown = await ordered(view, "/backends/gpu-a/drain?wait=24h")
    assert (status, shown["in_flight"]) == (200, 0)


async def test_who_is_not_there_and_what_is_no_time_change_nothing(view: FakeView) -> None:
    status, shown = await ordered(view, "/backends/gpu-c/drain")
    assert status == 404
    assert shown == {"error": "no backend 'gpu-c', but gpu-a, 10.0.0.5:8000"}

    status, shown = await ordered(view, "/backends/gpu-a/drain?wait=soon")
    assert status == 400
    assert "wait=soon" in str(shown["error"])
    assert not any(one.draining for one in view.known)


async def test_who_stays_out_of_use_is_told_with_the_reason(view: FakeView) -> None:
    view.upkeep.refusal = "enabled is false"

    status, shown = await ordered(view, "/backends/gpu-a/resume?wait=24h")

    assert (status, shown) == (409, {"error": "gpu-a: enabled is false"})


async def test_no_order_is_taken_from_a_web_page(view: FakeView) -> None:
    for order in ("drain", "resume"):
        status, _ = await ordered(view, f"/backends/gpu-a/{order}", {"Origin": "http://evil"})
        assert status == 403
    assert not view.known[0].draining
