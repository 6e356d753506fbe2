"""Spans of ended calls: whose child each is, when it was, and what it says."""

from itertools import count

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin
from proxy.core.recording import Spoken
from proxy.core.trace import Trace
from proxy.telemetry.spans import Builder
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with

EPOCH = 1_700_000_000.0  # Unix time when the calls' clock was 0
PROMPT = "what the engine repeated of a prompt"


def make_trace(parent_id: int = 0) -> Trace:
    numbers = count(100)
    return Trace(77, flags=1, span_id=5, parent_id=parent_id, draw=lambda: next(numbers))


def made(call: Call, trace: Trace, *, latest: bool = False) -> list[ReadableSpan]:
    builder = Builder(Resource({}), "1.0", epoch=lambda: EPOCH, latest=latest)
    return builder.spans(call, trace)


def tree(spans: list[ReadableSpan]) -> list[tuple[str, int, int]]:
    """Return name, own and parent's id of each."""
    found = []
    for span in spans:
        context = span.get_span_context()
        assert context is not None
        assert context.trace_id == 77
        found.append((span.name, context.span_id, span.parent.span_id if span.parent else 0))
    return found


def seconds(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e9 - EPOCH, span.end_time / 1e9 - EPOCH


def served(*, stream: bool = True) -> tuple[Call, Trace]:
    """Return a call that waited from 90.0 to 90.5, and one attempt."""
    backend = make_backend("a")
    backend.kind = "vllm"
    call, trace = ended_call(backend, stream=stream), make_trace(parent_id=9)
    call.committed, call.native_model, call.trace = True, "org/llama", trace
    trace.waits.append((90.0, 90.5))
    trace.launch(backend, "org/llama", 90.5)
    return call, trace


def test_words_that_are_noted_stand_on_the_span_of_the_request() -> None:
    call, trace = served()
    trace.spoken = lambda: Spoken(asked="[1]", answered="[2]", answered_cut=True)

    whole, *rest = made(call, trace)

    assert whole.attributes is not None
    assert whole.attributes["gen_ai.input.messages"] == "[1]"
    assert whole.attributes["gen_ai.output.messages"] == "[2]"
    assert whole.attributes["headrace.content.output_cut"] is True
    assert not any("messages" in name for span in rest for name in span.attributes or ())


def test_a_stream_has_a_span_for_each_part_of_its_time() -> None:
    spans = made(*served())

    assert tree(spans) == [
        ("POST /v1/chat/completions", 5, 9),
        ("queue", 101, 5),
        ("chat org/llama", 100, 5),
        ("first_token", 102, 100),
        ("stream", 103, 100),
    ]
    assert [span.kind for span in spans[:3]] == [
        SpanKind.SERVER,
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
    ]
    times = [pytest.approx(pair, abs=1e-5) for pair in map(seconds, spans)]
    assert times == [(90.0, 92.0), (90.0, 90.5), (90.5, 92.0), (90.5002, 91.0), (91.0, 91.5)]
    assert spans[0].parent is not None
    assert spans[0].parent.is_remote
    assert spans[2].parent is not None
    assert not spans[2].parent.is_remote


def test_a_plain_answer_has_no_parts() -> None:
    assert [name for name, _, _ in tree(made(*served(stream=False)))] == [
        "POST /v1/chat/completions",
        "queue",
        "chat org/llama",
    ]


def test_of_a_continued_stream_the_parts_stand_in_its_attempts() -> None:
    call, trace = served()
    call.continued = 1

    spans = made(call, trace)

    assert [name for name, _, _ in tree(spans)] == [
        "POST /v1/chat/completions",
        "queue",
        "chat org/llama",
    ]
    assert dict(spans[0].attributes or {})["headrace.continued"] == 1


def test_the_server_s_span_tells_the_request() -> None:
    found = dict(made(*served())[0].attributes or {})

    assert found == {
        "http.request.method": "POST",
        "http.request.body.size": 321,
        "http.response.body.size": 4096,
        "http.response.status_code": 200,
        "http.route": "/v1/chat/completions",
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "client.address": "10.1.2.3",
        "client.port": 40000,
        "headrace.request_id": "req-1",
        "headrace.surface": "openai",
        "headrace.stream": True,
        "headrace.attempts": 1,
        "headrace.queue_ms": 500.0,
        "headrace.ttft_ms": 1000.0,
        "headrace.chunks": 13,
        "headrace.end": "--",
        "headrace.backend": "a",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vllm",
        "gen_ai.request.model": "llama",
        "gen_ai.response.model": "org/llama",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 11,
    }


def test_an_attempt_s_span_tells_where_it_went_and_no_tokens() -> None:
    found = dict(made(*served())[2].attributes or {})

    assert found.pop("headrace.connect_ms") == pytest.approx(0.2)
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vllm",
        "gen_ai.request.model": "org/llama",
        "server.address": "a.test",
        "server.port": 8000,
        "headrace.backend": "a",
        "headrace.attempt": 1,
        "http.response.status_code": 200,
    }


def failing(failure: Failure) -> list[ReadableSpan]:
    """Return the spans of a call that failed at its second attempt."""
    a, b = make_backend("a"), make_backend("b")
    call, trace = ended_call(b, failure=failure, status=502), make_trace()
    call.attempts, call.first_token_at, call.last_chunk_at = 2, 0.0, 0.0
    trace.launch(a, "m", 90.0)
    trace.land(failed_with(Kind.CONNECT_REFUSED), 0.0, 90.2)
    trace.launch(b, "m", 90.3)
    return made(call, trace)


def test_each_attempt_tells_its_own_failure() -> None:
    whole, first, second = failing(failed_with(Kind.TRUNCATED, detail=PROMPT))

    assert [seconds(span)[1] for span in (first, second)] == pytest.approx([90.2, 92.0], abs=1e-5)
    assert [dict(s.attributes or {})["error.type"] for s in (whole, first, second)] == [
        "truncated_stream",
        "connect_refused",
        "truncated_stream",
    ]
    assert {span.status.status_code for span in (whole, first, second)} == {StatusCode.ERROR}
    assert "headrace.connect_ms" not in (first.attributes or {})


def test_a_client_s_fault_is_no_error() -> None:
    whole, _, second = failing(failed_with(Kind.CLIENT_GONE, Origin.CLIENT))

    assert whole.status.status_code is second.status.status_code is StatusCode.UNSET
    assert dict(whole.attributes or {})["error.type"] == "client_cancelled"


def test_nothing_that_an_engine_said_is_in_a_span() -> None:
    for span in failing(failed_with(Kind.STATUS, detail=PROMPT)):
        assert PROMPT not in str(span.to_json())


def test_a_refused_request_has_one_span() -> None:
    call = ended_call(failure=failed_with(Kind.UNKNOWN_PATH, Origin.CLIENT), status=404)
    call.path, call.client = "/made/up\n", "unix"

    (span,) = made(call, make_trace())

    assert span.name == "POST"
    assert span.parent is None
    found = dict(span.attributes or {})
    assert found["url.path"] == "/made/up\\x0a"
    assert "http.route" not in found
    assert "client.address" not in found


def test_a_backend_behind_a_unix_socket_has_no_port() -> None:
    call, trace = served()
    trace.legs[0].backend.url = "unix:///run/llama.sock"

    found = dict(made(call, trace)[2].attributes or {})

    assert found["server.address"] == "/run/llama.sock"
    assert "server.port" not in found


def test_the_newest_names_are_used_everywhere() -> None:
    whole, _, attempt, *_ = made(*served(), latest=True)

    for span in (whole, attempt):
        assert dict(span.attributes or {})["gen_ai.provider.name"] == "vllm"
        assert "gen_ai.system" not in (span.attributes or {})
