"""The document of the dashboard: /status and, for each backend, how it has done lately."""

import asyncio
from typing import Any

import orjson

from proxy.core.reported import Reported
from proxy.edge import admin, portrait
from proxy.edge.portrait import SHOWN
from tests.fixtures.fleet import make_backend, take_down
from tests.fixtures.view import FakeView, ended_call, failed_with


async def shown(view: FakeView) -> Any:
    """Return the document as somebody who fetches it has it."""
    return orjson.loads(orjson.dumps(await portrait.document(lambda: admin.document(view), view)))


async def test_it_extends_the_status() -> None:
    view = FakeView({make_backend("a"): ["llama"]})
    document, status = await shown(view), admin.document(view)
    assert document["models"] == status["models"]
    assert document["headline"] == "The backend is ready."
    assert document["backends"][0] | {"level": "ok", "word": "ready"} == document["backends"][0]
    assert document["totals"] == {
        "requests": 0,
        "failed": 0,
        "tokens_s": None,
        "first_token_ms": None,
        "between_ms": None,
        "queue_ms": None,
    }


async def test_each_backend_has_the_waits_of_the_last_minute() -> None:
    busy, idle = make_backend("busy"), make_backend("idle")
    view = FakeView({busy: ["llama"], idle: ["llama"]})
    old = ended_call(idle)
    old.ended_at = view.clock - 61.0
    for call in (old, ended_call(busy), ended_call(busy, failure=failed_with())):
        view.lookout.history.finished(call)
    view.lookout.history.attempt_failed(ended_call(idle), failed_with(), retried=True)

    first, second = (await shown(view))["backends"]
    assert first["lately"] == {
        "requests": 2,
        "failed": 1,
        "moved_on": 0,
        "first_token_ms": {"p50": 499.8, "p95": 499.8, "count": 2},
        "between_ms": {"p50": 50.0, "p95": 50.0, "count": 2},
    }
    assert (first["word"], second["lately"]["requests"], second["lately"]["moved_on"]) == (
        "failing",
        0,
        1,
    )


async def test_the_slow_one_is_named() -> None:
    fast, slow = make_backend("fast"), make_backend("slow")
    view = FakeView({fast: ["llama"], slow: ["llama"]})
    for backend, last in ((fast, 91.1), (slow, 92.0)):
        for _ in range(5):
            call = ended_call(backend)
            call.last_chunk_at = last
            view.lookout.history.finished(call)
    document = await shown(view)
    assert document["headline"] == "slow is slow."
    assert document["backends"][1]["slow_in"] == "between"


async def test_who_serves_something_else_is_no_peer() -> None:
    small, large = make_backend("small"), make_backend("large")
    view = FakeView({small: ["llama-8b"], large: ["llama-70b"]})
    for backend, last in ((small, 91.1), (large, 95.0)):
        for _ in range(5):
            call = ended_call(backend)
            call.last_chunk_at = last
            view.lookout.history.finished(call)
    assert (await shown(view))["headline"] == "All backends are ready."


async def test_tokens_flow_from_the_second_look_on() -> None:
    backend = make_backend("a")
    view = FakeView({backend: ["llama"]})
    assert (await shown(view))["backends"][0]["tokens_s"] is None
    view.clock += 1.0
    view.lookout.history.finished(ended_call(backend))
    document = await shown(view)
    assert (document["backends"][0]["tokens_s"], document["totals"]["tokens_s"]) == (11.0, 11.0)


async def test_what_an_engine_says_of_itself_is_shown() -> None:
    backend = make_backend("a")
    backend.heard(Reported(running=3, waiting=1, kv_used=0.5), 3)
    (seen,) = (await shown(FakeView({backend: ["llama"]})))["backends"]
    assert seen["engine"] == {"running": 3, "waiting": 1, "kv_used": 0.5, "capacity": None}


async def test_changes_and_requests_stand_newest_first() -> None:
    backend = make_backend("a")
    view = FakeView({backend: ["llama"]})
    view.lookout.chronicle.look([backend], 80.0)
    take_down(backend, 85.0)
    view.lookout.chronicle.look([backend], 90.0)
    for number in range(SHOWN + 5):
        call = ended_call(backend, failure=failed_with() if number == 3 else None)
        call.request_id = f"r{number}"
        call.received_at -= number == 7
        view.lookout.history.finished(call)
    document = await shown(view)
    assert document["changes"] == [
        {
            "age_s": 10.0,
            "backend": "a",
            "what": "health",
            "before": "ready",
            "after": "down",
            "reason": "refused",
        }
    ]
    requests = document["requests"]
    assert [one["request_id"] for one in requests["latest"]][:2] == ["r19", "r18"]
    assert requests["slowest"][0]["request_id"] == "r7"
    assert [one["request_id"] for one in requests["failed"]] == ["r3"]
    assert len(requests["latest"]) == len(requests["slowest"]) == SHOWN


async def test_a_full_history_and_a_large_fleet_make_one_document() -> None:
    fleet = [make_backend(f"node-{number}") for number in range(64)]
    view = FakeView({backend: ["llama"] for backend in fleet})
    for number in range(2048):
        view.lookout.history.finished(ended_call(fleet[number % 64]))
    document = await shown(view)
    assert sum(one["lately"]["requests"] for one in document["backends"]) == 2048


async def test_the_loop_runs_between_its_steps() -> None:
    view = FakeView({make_backend("a"): ["llama"]})
    making = asyncio.ensure_future(portrait.document(lambda: admin.document(view), view))
    turns = 0
    while not making.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 4
