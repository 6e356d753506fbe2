"""Traces as a collector receives them: the right parents, every attempt, and no request lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.core.traceparent import parse
from proxy.telemetry import meter, otlp
from tests.fixtures.aside import aside, document
from tests.fixtures.collector import Collector, collecting
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

# Loading them reads files, which no test of a running loop may do.
LOADED = (meter, otlp)
Port = Callable[[], int]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "v=1", "baggage": "team=a"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-00"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(keep_bodies=True)) as engine:
        yield engine


def settings(collector: Collector, *engines: Engine, **tracing: object) -> str:
    """Return a settings file that traces everything, unless `tracing` says otherwise."""
    section = {"endpoint": collector.endpoint, "ratio": 1.0, **tracing}
    return backends(*engines) + f"tracing: {msgspec.json.encode(section).decode()}\n"


async def ask(
    stack: Stack, headers: Mapping[str, str] = MappingProxyType({}), *, stream: bool = True
) -> None:
    messages = [{"role": "user", "content": "a secret of mine"}]
    body: dict[str, object] = {"model": MODEL, "messages": messages, "max_tokens": 3}
    body["stream"] = stream
    if stream:
        body["stream_options"] = {"include_usage": True}
    async with stack.client.post("/v1/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 200
        await answer.read()


def sent(engine: Engine) -> list[dict[str, str]]:
    """Return the header fields of each request for tokens, oldest first."""
    return [
        {name.decode().lower(): value.decode() for name, value in request.headers}
        for request in engine.requests
        if request.body
    ]


async def lines(stack: Stack) -> list[dict[str, object]]:
    """Stop the proxy and return its access lines."""
    await stack.stop()
    return [msgspec.json.decode(line) for line in stack.access_lines()]


@pytest.mark.setting("tracing.endpoint", "tracing.service_name")
async def test_a_request_is_one_trace_from_the_client_to_the_engine(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    document = settings(collector, engine, service_name="edge-1")
    async with serving(document, free_port) as stack:
        await ask(stack, GIVEN)
        (line,) = await lines(stack)

    whole, attempt, first, stream = collector.spans
    assert {span.trace_id for span in collector.spans} == {TRACE}
    assert [span.name for span in collector.spans] == [
        "POST /v1/chat/completions",
        f"chat {MODEL}",
        "first_token",
        "stream",
    ]
    assert whole.parent == SPAN
    assert attempt.parent == whole.span_id
    assert first.parent == stream.parent == attempt.span_id
    assert whole.start <= attempt.start <= first.start <= first.end == stream.start <= stream.end
    assert stream.end <= attempt.end <= whole.end
    there = sent(engine)[-1]
    parent = parse(there["traceparent"].encode())
    assert parent is not None
    assert f"{parent.trace_id:032x}" == TRACE
    assert f"{parent.span_id:016x}" == attempt.span_id
    assert (there["tracestate"], there["baggage"]) == ("v=1", "team=a")
    assert collector.resource["service.name"] == "edge-1"
    usage = {name: whole.attributes[f"gen_ai.usage.{name}_tokens"] for name in ("input", "output")}
    assert usage["output"] == 3
    assert usage["input"] > 0
    assert "secret" not in str(collector.spans)
    assert (line["trace_id"], line["span_id"]) == (TRACE, whole.span_id)


async def test_every_attempt_has_its_span(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    async with (
        running(Profile(keep_bodies=True)) as bad,
        serving(
            settings(collector, bad, engine).replace("- name: b", "- priority: 1\n    name: b"),
            free_port,
        ) as stack,
    ):
        bad.faults.set(Fault(kind=Kind.STATUS, status=503))
        await ask(stack, GIVEN)

    whole = collector.spans[0]
    failed, served = collector.named(f"chat {MODEL}")
    assert failed.parent == served.parent == whole.span_id
    assert failed.failed
    assert not served.failed
    assert not whole.failed
    assert whole.attributes["headrace.attempts"] == 2
    assert failed.attributes["error.type"] == "backend_status"
    assert failed.attributes["http.response.status_code"] == 503
    assert [s.attributes["headrace.attempt"] for s in (failed, served)] == [1, 2]
    assert failed.end <= served.start
    told = [parse(fields["traceparent"].encode()) for fields in sent(bad)]
    assert failed.span_id in {f"{one.span_id:016x}" for one in told if one is not None}


async def test_the_wait_for_room_is_a_span(collector: Collector, free_port: Port) -> None:
    async with running(Profile(prefill=0.1)) as slow:
        document = settings(collector, slow).replace("- name", "- max_in_flight: 1\n    name")
        async with serving(document, free_port) as stack:
            await asyncio.gather(ask(stack), ask(stack))

    (wait,) = collector.named("queue")
    whole = next(span for span in collector.spans if span.span_id == wait.parent)
    queued = whole.attributes["headrace.queue_ms"]
    assert wait.end - wait.start == pytest.approx(queued * 1e6, rel=0.01)
    assert queued > 10


@pytest.mark.setting("tracing.ratio", "tracing.parent")
async def test_the_ratio_decides_unless_the_client_has(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    async with serving(settings(collector, engine, ratio=0.0), free_port) as stack:
        await ask(stack)
        await ask(stack, UNSAMPLED)
        await ask(stack, GIVEN)
        own, unsampled, given = await lines(stack)

    assert len(collector.named("POST /v1/chat/completions")) == 1
    assert "trace_id" not in own
    assert unsampled["trace_id"] == TRACE
    assert "span_id" not in unsampled
    assert "span_id" in given
    assert sent(engine)[-2]["traceparent"] == UNSAMPLED["traceparent"]
    assert "traceparent" not in sent(engine)[-3]

    collector.spans.clear()
    document = settings(collector, engine, ratio=0.0, parent=False)
    async with serving(document, free_port) as stack:
        await ask(stack, GIVEN)

    assert not collector.spans
    assert sent(engine)[-1]["traceparent"] == GIVEN["traceparent"]


@pytest.mark.setting("tracing.headers")
async def test_the_collector_gets_its_headers(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    document = settings(collector, engine, headers="authorization=Bearer sk-1,x-team=a")
    async with serving(document, free_port) as stack:
        await ask(stack)

    assert collector.headers[0]["authorization"] == "Bearer sk-1"
    assert collector.headers[0]["x-team"] == "a"


@pytest.mark.setting("tracing.conventions")
async def test_the_newest_names_are_sent_to_who_wants_them(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    document = settings(collector, engine, conventions="latest")
    async with serving(document, free_port) as stack:
        await ask(stack)

    whole = collector.spans[0].attributes
    assert whole["gen_ai.provider.name"] == "vllm"
    assert "gen_ai.system" not in whole
    assert whole["gen_ai.request.stream"] is True


@pytest.mark.setting("tracing.metrics")
async def test_genai_metrics_are_sent_if_asked_for(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    async with serving(settings(collector, engine, metrics=True, ratio=0.0), free_port) as stack:
        await ask(stack)
        await ask(stack, stream=False)

    assert not collector.spans
    assert sum(one.count for one in collector.points["gen_ai.server.request.duration"]) == 2
    assert sum(one.count for one in collector.points["gen_ai.server.time_to_first_token"]) == 1
    used = collector.points["gen_ai.client.token.usage"]
    assert sum(one.sum for one in used if "output" in str(one.attributes)) == 6


def scraped(stack: Stack) -> str:
    return b"".join(stack.instance.metrics.parts()).decode()


async def test_a_collector_that_is_gone_costs_spans_and_one_line(
    engine: Engine, free_port: Port
) -> None:
    with collecting() as gone:
        pass
    with capture_logs() as logs:
        async with serving(settings(gone, engine, timeout="100ms"), free_port) as stack:
            for _ in range(5):
                await ask(stack)
    await asyncio.sleep(0)

    assert 'headrace_spans_total{result="failed"} 20.0' in scraped(stack)
    complaints = [line for line in logs if line["event"] == "telemetry does not get through"]
    assert len(complaints) == 1


@pytest.mark.setting("tracing.queue")
async def test_a_slow_collector_never_holds_a_request_up(
    collector: Collector, engine: Engine, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.boot.tracing.FLUSH", 0.1)
    collector.delay = 30.0
    with capture_logs() as logs:
        async with serving(settings(collector, engine, queue=64), free_port) as stack:
            await asyncio.gather(*(ask(stack) for _ in range(40)))
            counts = scraped(stack)
            await eventually(lambda: collector.asked == 1)

    assert "spans were given up: the collector was too slow" in {line["event"] for line in logs}
    dropped = next(line for line in counts.splitlines() if 'result="dropped"' in line)
    assert float(dropped.split()[-1]) >= 160 - 64 - 64  # on their way, and waiting


@pytest.mark.setting("tracing.timeout")
async def test_a_batch_nobody_accepts_in_time_is_given_up(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    collector.delay = 30.0
    document = settings(collector, engine, timeout="100ms", queue=64)
    with capture_logs():
        async with serving(document, free_port) as stack:
            await asyncio.gather(*(ask(stack) for _ in range(16)))  # a whole batch: sent at once
            await eventually(lambda: 'result="failed"} 64.0' in scraped(stack))
            collector.released.set()


async def test_what_passes_through_has_its_spans(collector: Collector, free_port: Port) -> None:
    tracing = f"tracing: {{endpoint: '{collector.endpoint}'}}\n"
    async with aside(free_port) as engine, serving(document(engine) + tracing, free_port) as stack:
        async with stack.client.get("/v1/files/f-1", headers=GIVEN) as answer:
            assert answer.status == 200
        told = engine.last.headers["traceparent"]
        (line,) = await lines(stack)

    whole, attempt = collector.spans
    assert (whole.trace_id, whole.parent, whole.name) == (TRACE, SPAN, "GET")
    assert (attempt.parent, attempt.name) == (whole.span_id, "GET")
    assert told == f"00-{TRACE}-{attempt.span_id}-01"
    assert "gen_ai.request.model" not in attempt.attributes
    assert line["span_id"] == whole.span_id


async def test_what_is_refused_before_its_body_is_read_has_a_span(
    collector: Collector, engine: Engine, free_port: Port
) -> None:
    limits = "limits: {body: 1KiB}\n"
    large: Any = {"data": b"x" * 2000, "headers": GIVEN}
    async with (
        serving(settings(collector, engine) + limits, free_port) as stack,
        stack.client.post("/v1/chat/completions", **large) as answer,
    ):
        assert answer.status == 413
    (whole,) = collector.spans
    assert (whole.trace_id, whole.parent) == (TRACE, SPAN)
    assert whole.attributes["error.type"] == "body_too_large"
