"""What a request waited for, in the order in which it did."""

from proxy.core.call import Call
from proxy.core.failure import Kind
from proxy.core.trace import Trace
from proxy.edge.waterfall import stretches, summary
from proxy.telemetry.history import History
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with

Drawn = list[tuple[str, int, str | None, float, float, str | None]]


def drawn(call: Call, history: History) -> Drawn:
    return [
        (one.what, one.attempt, one.backend, one.from_ms, one.to_ms, one.failed)
        for one in stretches(call, history)
    ]


def test_a_stream_is_queue_connect_wait_and_stream() -> None:
    call = ended_call(make_backend("a"))
    assert drawn(call, History(lambda: 0.0)) == [
        ("queue", 0, None, 0.0, 500.0, None),
        ("connect", 1, "a", 500.0, 500.2, None),
        ("wait", 1, "a", 500.2, 1000.0, None),
        ("stream", 1, "a", 1000.0, 2000.0, None),
    ]


def test_an_attempt_that_failed_is_drawn_before_the_next() -> None:
    history = History(lambda: 90.7)
    call = ended_call(make_backend("a"))
    history.attempt_failed(call, failed_with(Kind.CLOSED, detail="gone"), retried=True)
    call.backend, call.attempts, call.dispatched_at = make_backend("b"), 2, 90.8
    assert drawn(call, history)[1:] == [
        ("connect", 1, "a", 500.0, 500.2, None),
        ("wait", 1, "a", 500.2, 700.0, "closed_by_backend"),
        ("connect", 2, "b", 700.0, 800.0, None),
        ("wait", 2, "b", 800.0, 1000.0, None),
        ("stream", 2, "b", 1000.0, 2000.0, None),
    ]


def test_an_attempt_that_never_reached_its_engine_is_all_connect() -> None:
    call = ended_call(make_backend("a"), failure=failed_with(), status=502)
    call.dispatched_at = call.first_token_at = 0.0
    assert drawn(call, History(lambda: 0.0))[1:] == [
        ("connect", 1, "a", 500.0, 2000.0, "connect_refused")
    ]


def test_a_first_token_that_never_came_is_a_wait_to_the_end() -> None:
    call = ended_call(make_backend("a"), failure=failed_with(Kind.FIRST_TOKEN_TIMEOUT))
    call.first_token_at = 0.0
    assert drawn(call, History(lambda: 0.0))[-1] == (
        ("wait", 1, "a", 500.2, 2000.0, "first_token_timeout")
    )


def test_waits_that_were_noted_one_by_one_are_drawn_so() -> None:
    call = ended_call(make_backend("a"))
    call.trace = Trace(1, flags=1, span_id=2, draw=lambda: 3)
    call.trace.waits = [(90.0, 90.1), (90.2, 90.4)]
    assert [one[3:5] for one in drawn(call, History(lambda: 0.0))[:3]] == [
        (0.0, 100.0),
        (200.0, 400.0),
        (100.0, 500.2),
    ]


def test_a_request_nobody_took_has_waited_only() -> None:
    assert drawn(ended_call(None), History(lambda: 0.0)) == [("queue", 0, None, 0.0, 500.0, None)]


def test_a_summary_tells_what_the_access_line_does() -> None:
    shown = summary(ended_call(make_backend("a"), model="x\x1b"), History(lambda: 0.0), 95.0)
    assert shown["request_id"] == "req-1"
    assert (shown["model"], shown["backend"]) == ("x\\x1b", "a")
    assert (shown["age_s"], shown["duration_ms"], shown["ttft_ms"]) == (3.0, 2000.0, 1000.0)
    assert (shown["tokens_in"], shown["tokens_out"], shown["failure"]) == (7, 11, None)
