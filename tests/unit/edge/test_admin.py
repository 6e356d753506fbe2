"""What the admin pages say, as values; tests/wire/test_admin.py asks over a socket."""

from collections.abc import Mapping
from typing import Any

import pytest

from proxy.edge.admin import View, document, unready
from proxy.telemetry.crew import Crew
from proxy.telemetry.failures import Record
from tests.fixtures.fleet import make_backend, take_down, trip
from tests.fixtures.view import FakeView


def shown(view: View) -> Mapping[str, Any]:
    return document(view)


def test_a_proxy_with_one_usable_backend_is_ready() -> None:
    down, up = make_backend("down"), make_backend("up")
    take_down(down, 50.0)
    assert unready(FakeView({down: ["llama"], up: ["llama"]})) == []


def test_no_backend_at_all_is_a_reason() -> None:
    assert unready(FakeView({})) == ["no backend is configured and none was found"]


def test_no_model_is_a_reason() -> None:
    assert unready(FakeView({make_backend(): []})) == ["no backend has listed a model yet"]


def test_a_model_nobody_can_serve_now_is_a_reason() -> None:
    broken, idle = make_backend("broken"), make_backend("idle")
    trip(broken, 100.0)  # and the one that is up serves nothing
    assert unready(FakeView({broken: ["llama"], idle: []})) == [
        "no backend that serves a model is available"
    ]


def test_a_draining_proxy_is_not_ready_however_well_its_backends_are() -> None:
    view = FakeView({make_backend(): ["llama"]})
    view.draining = True
    assert unready(view) == ["draining: the process is about to stop"]


def test_a_proxy_none_of_whose_workers_serves_is_not_ready() -> None:
    class Absent(Crew):
        serves = False

    view = FakeView({make_backend(): ["llama"]})
    view.crew = Absent()
    assert unready(view) == ["no worker serves yet"]


def test_status_counts_what_is_under_way() -> None:
    view = FakeView({make_backend(): ["llama"]})
    view.running, view.connections, view.waiting = 7, 9, {"llama": 2, "qwen": 1}
    status = shown(view)
    assert status["version"] == "1.2.3"
    assert status["uptime_s"] == 60.0
    assert status["ready"] is True
    assert (status["in_flight"], status["client_connections"]) == (7, 9)
    assert (status["queued"], status["queues"]) == (3, {"llama": 2, "qwen": 1})


def test_status_shows_a_backend_at_work() -> None:
    backend = make_backend("gpu-a", weight=2.0, priority=1, cap=8)
    backend.kind = "vllm"
    view = FakeView({backend: ["qwen", "llama"]}, chat=["llama"])
    backend.health.probed(True, 70.0, "answers")
    lease = backend.lease(100.0, 50.04, view.clock)
    (seen,) = shown(view)["backends"]
    assert seen == {
        "name": "gpu-a",
        "url": "http://gpu-a.test:8000",
        "type": "vllm",
        "available": True,
        "state": "ready",
        "reason": backend.health.reason,
        "since_s": 60.0,  # longer than the process serves makes no sense to a reader
        "breaker": {"state": "closed", "opened": 0, "probe_in_s": None},
        "standing": "good",
        "slowness": 1.0,
        "in_flight": 1,
        "work": 150.0,
        "cap": 8,
        "weight": 2.0,
        "priority": 1,
        "models": ["llama", "qwen"],
    }
    lease.release()


def test_status_shows_why_a_backend_is_out_of_use() -> None:
    broken, down = make_backend("broken"), make_backend("down")
    view = FakeView({broken: ["llama"], down: []})
    trip(broken, 99.0)
    take_down(down, 95.0)
    first, second = shown(view)["backends"]
    assert (first["available"], first["breaker"]["state"], first["breaker"]["opened"]) == (
        False,
        "open",
        1,
    )
    assert first["breaker"]["probe_in_s"] == 1.0
    assert first["type"] is None
    assert (second["available"], second["state"], second["since_s"]) == (False, "down", 5.0)
    assert second["reason"] == "refused"


def test_a_backend_past_its_probe_time_waits_no_negative_time() -> None:
    backend = make_backend()
    trip(backend, 90.0)
    (seen,) = shown(FakeView({backend: ["llama"]}))["backends"]
    assert seen["breaker"] == {"state": "half_open", "opened": 1, "probe_in_s": 0.0}


def test_status_shows_models_and_aliases_with_their_backends() -> None:
    near, far = make_backend("near"), make_backend("far", priority=1)
    view = FakeView({far: ["llama", "qwen"], near: ["llama"]}, chat=["qwen", "gone", "llama"])
    take_down(far, 99.0)
    assert shown(view)["models"] == [
        {
            "id": "chat",
            "alias_of": ["qwen", "llama"],
            "routable": True,
            "backends": ["far", "near"],
        },
        {"id": "llama", "alias_of": None, "routable": True, "backends": ["near", "far"]},
        {"id": "qwen", "alias_of": None, "routable": False, "backends": ["far"]},
    ]


def test_status_shows_the_newest_failure_first() -> None:
    def record(number: int) -> Record:
        return Record(
            at=90.0 + number,
            request_id=f"req-{number}",
            model="llama",
            backend="gpu-a",
            kind="connect_refused",
            detail="nothing listens",
            attempt=1,
            retried=True,
            end="",
            status=0,
        )

    view = FakeView({make_backend(): ["llama"]})
    view.recent = [record(1), record(2)]
    newest, oldest = shown(view)["failures"]
    assert (newest["request_id"], newest["age_s"]) == ("req-2", 8.0)
    assert oldest["request_id"] == "req-1"
    assert "at" not in newest


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://user:secret@10.0.0.5:8000/base", "http://10.0.0.5:8000/base"),
        ("https://secret@[::1]:8000", "https://[::1]:8000"),
        ("http://10.0.0.5:8000/?key=secret#secret", "http://10.0.0.5:8000/"),
        ("unix:///run/engine.sock", "unix:///run/engine.sock"),
    ],
)
def test_no_credential_of_a_url_is_shown(url: str, public: str) -> None:
    backend = make_backend()
    backend.url = url
    (seen,) = shown(FakeView({backend: ["llama"]}))["backends"]
    assert seen["url"] == public
