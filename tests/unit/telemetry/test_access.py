"""One line for each request, complete, safe to read, and never more work than allowed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.core.failure import Kind, Origin, Phase
from proxy.core.trace import Trace
from proxy.telemetry.access import AccessLog, Line
from proxy.telemetry.logs import console_renderer
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "access-log.md"


class Written:
    """Collects blocks, as a sink would take them."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def __call__(self, block: bytes) -> None:
        self.blocks.append(block)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.blocks).splitlines()]


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def make_log(written: Written) -> Callable[..., AccessLog]:
    def make(**options: Any) -> AccessLog:
        # The wall clock is 1,700,000,000 when the calls' clock is 100.
        return AccessLog(written, monotonic=lambda: 100.0, wall=lambda: 1_700_000_000.0, **options)

    return make


def test_a_stream_that_went_on_elsewhere_says_so(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    call = ended_call(make_backend("gpu-a"))
    call.continued = 2
    log.finished(call)
    log.drain()
    assert written.lines[0]["continued"] == 2


def test_a_line_holds_the_facts_of_the_call(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    log.finished(ended_call(make_backend("gpu-a")))
    assert log.drain() == 0
    assert written.lines == [
        {
            "timestamp": "2023-11-14T22:13:12Z",  # it ended 8 s before now
            "level": "info",
            "event": "request",
            "request_id": "req-1",
            "client": "10.1.2.3:40000",
            "surface": "openai",
            "method": "POST",
            "path": "/v1/chat/completions",
            "model": "llama",
            "backend": "gpu-a",
            "status": 200,
            "end": "--",
            "attempts": 1,
            "queue_ms": 500.0,
            "overhead_ms": pytest.approx(0.2, abs=0.002),
            "ttft_ms": 1000.0,
            "duration_ms": 2000.0,
            "stream": True,
            "chunks": 13,
            "bytes_in": 321,
            "bytes_out": 4096,
            "tokens_in": 7,
            "tokens_out": 11,
        }
    ]


def test_a_failure_stands_in_its_line_and_raises_the_level(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    failure = failed_with(Kind.TRUNCATED, phase=Phase.STREAM, detail="cut after 3 events")
    log.finished(ended_call(make_backend(), failure=failure))
    log.flush()
    (line,) = written.lines
    assert (line["end"], line["level"]) == ("BS", "warning")
    assert (line["failure"], line["detail"]) == ("truncated_stream", "cut after 3 events")


def test_what_the_client_did_is_no_warning(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    log.finished(ended_call(failure=failed_with(Kind.CLIENT_GONE, Origin.CLIENT, Phase.QUEUE)))
    log.flush()
    assert written.lines[0]["level"] == "info"
    assert written.lines[0]["failure"] == "client_cancelled"


def test_what_never_happened_is_null(make_log: Callable[..., AccessLog], written: Written) -> None:
    log = make_log()
    call = ended_call(None)
    call.tokens_in = call.tokens_out = None
    log.finished(call)
    log.flush()
    (line,) = written.lines
    absent = {name for name, value in line.items() if value is None}
    assert absent == {"backend", "overhead_ms", "ttft_ms", "tokens_in", "tokens_out"}


@pytest.mark.parametrize("field", ["request_id", "path", "model"])
def test_hostile_text_is_spelt_out_and_cut(
    field: str, make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    call = ended_call(None)
    setattr(call, field, 'x\n{"event":"forged"}\u202e\udcff' + "y" * 5000)
    log.finished(call)
    log.flush()
    (line,) = written.lines
    assert line[field].startswith('x\\x0a{"event":"forged"}\\u202e\\udcffyyy')
    assert len(line[field]) < 300


def test_a_detail_is_made_safe_too(make_log: Callable[..., AccessLog], written: Written) -> None:
    log = make_log()
    log.finished(ended_call(failure=failed_with(detail="\x9b31m" + "z" * 5000)))
    log.flush()
    assert written.lines[0]["detail"].startswith("\\x9b31mzzz")
    assert len(written.lines[0]["detail"]) < 600


def test_a_drain_is_bounded_and_says_what_is_left(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    for number in range(25):
        call = ended_call(None)
        call.request_id = f"req-{number}"
        log.finished(call)
    assert log.drain(limit=10) == 15
    assert len(written.blocks) == 1
    assert log.drain(limit=10) == 5
    log.flush()
    assert [line["request_id"] for line in written.lines] == [f"req-{n}" for n in range(25)]


def test_an_empty_drain_writes_nothing(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    assert make_log().drain() == 0
    assert written.blocks == []


def test_more_than_fits_is_counted(make_log: Callable[..., AccessLog], written: Written) -> None:
    log = make_log(capacity=10)
    for _ in range(12):
        log.finished(ended_call(None))
    assert log.dropped == 2
    log.flush()
    assert len(written.lines) == 10


def test_a_noted_call_may_change_and_its_body_may_go(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log()
    call = ended_call(make_backend("gpu-a"))
    log.finished(call)
    call.backend, call.model, call.status = None, "other", 0
    log.flush()
    assert (written.lines[0]["backend"], written.lines[0]["status"]) == ("gpu-a", 200)


def test_for_people_a_line_is_text_without_empty_fields(
    make_log: Callable[..., AccessLog], written: Written
) -> None:
    log = make_log(render=console_renderer(colors=False))
    log.attempt_failed(ended_call(None), failed_with(), retried=True)
    log.finished(ended_call(None))
    log.flush()
    (line,) = b"".join(written.blocks).decode().splitlines()
    assert line.startswith("2023-11-14T22:13:12.000Z [info     ] request")
    assert "status=200" in line
    assert "backend" not in line
    assert "failure" not in line


@pytest.mark.parametrize("sampled", [False, True])
def test_a_trace_stands_in_the_line(
    make_log: Callable[..., AccessLog], written: Written, *, sampled: bool
) -> None:
    log = make_log()
    call = ended_call(make_backend("gpu-a"))
    span_id = 0xAB if sampled else 0
    call.trace = Trace(0xFE, flags=int(sampled), span_id=span_id, draw=lambda: 1)
    log.finished(call)
    log.finished(ended_call(make_backend("gpu-a")))
    log.flush()

    line, without = written.lines
    assert line["trace_id"] == "000000000000000000000000000000fe"
    assert line.get("span_id") == ("00000000000000ab" if sampled else None)
    assert not {"trace_id", "span_id"} & without.keys()


def test_every_field_is_in_the_reference() -> None:
    told = REFERENCE.read_text(encoding="utf-8")
    described = [line.split("`")[1] for line in told.splitlines() if line.startswith("| `")]
    assert described == list(Line.__struct_fields__)
