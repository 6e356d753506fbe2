"""What is counted is what is told, in the words of the format, within bounded space."""

from collections.abc import Iterator

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.failure import Kind, Origin, Phase
from proxy.core.standing import State
from proxy.telemetry.families import FAMILIES
from proxy.telemetry.metrics import Metrics
from tests.fixtures.fleet import make_backend, trip
from tests.fixtures.view import FakeView, ended_call, failed_with

A = make_backend("gpu-a")


class Scraped:
    """An exposition, read by the library's own parser."""

    def __init__(self, text: bytes) -> None:
        self.families = list(text_string_to_metric_families(text.decode()))
        self.samples = {
            (sample.name, tuple(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        """Return the value of the one sample with this name and these labels."""
        wanted = sorted(labels.items())
        for (found, has), value in self.samples.items():
            if found == name and sorted(has) == wanted:
                return value
        return None

    def labels_of(self, name: str, label: str) -> set[str]:
        return {dict(has)[label] for (found, has) in self.samples if found == name}


@pytest.fixture
def view() -> FakeView:
    return FakeView({A: ["llama"]}, chat=["llama"])


@pytest.fixture
def metrics(view: FakeView) -> Metrics:
    return Metrics("1.2.3", view)


def scrape(metrics: Metrics) -> Scraped:
    return Scraped(metrics.render())


def test_a_served_stream_is_counted_everywhere(metrics: Metrics) -> None:
    metrics.finished(ended_call(A))
    seen = scrape(metrics)
    labels = {"backend": "gpu-a", "model": "llama"}
    assert seen("headrace_requests_total", **labels, status="200", end="--") == 1
    assert seen("headrace_attempts_total", backend="gpu-a", result="ok") == 1
    assert seen("headrace_tokens_in_total", **labels) == 7
    assert seen("headrace_tokens_out_total", **labels) == 11
    for name, total in (
        ("headrace_request_duration_seconds", 2.0),
        ("headrace_time_to_first_token_seconds", 1.0),
        ("headrace_inter_token_seconds", 0.05),  # 0.5 s for the ten tokens after the first
        ("headrace_queue_seconds", 0.5),
    ):
        assert seen(f"{name}_count", **labels) == 1, name
        assert seen(f"{name}_sum", **labels) == pytest.approx(total), name
    assert seen("headrace_proxy_overhead_seconds_sum") == pytest.approx(0.0002)


def test_buckets_are_cumulative(metrics: Metrics) -> None:
    metrics.finished(ended_call(A))
    seen = scrape(metrics)
    labels = {"backend": "gpu-a", "model": "llama"}
    name = "headrace_request_duration_seconds_bucket"
    counts = [seen(name, **labels, le=bound) for bound in ("0.05", "1", "2.5", "640", "+Inf")]
    assert counts == [0, 0, 1, 1, 1]


def test_a_plain_answer_has_no_token_times(metrics: Metrics) -> None:
    metrics.finished(ended_call(A, stream=False))
    seen = scrape(metrics)
    labels = {"backend": "gpu-a", "model": "llama"}
    assert seen("headrace_time_to_first_token_seconds_count", **labels) == 0
    assert seen("headrace_inter_token_seconds_count", **labels) == 0
    assert seen("headrace_request_duration_seconds_count", **labels) == 1


def test_without_usage_pieces_stand_for_tokens(metrics: Metrics) -> None:
    call = ended_call(A)
    call.tokens_in = call.tokens_out = None
    call.chunks = 6
    metrics.finished(call)
    seen = scrape(metrics)
    labels = {"backend": "gpu-a", "model": "llama"}
    assert seen("headrace_inter_token_seconds_sum", **labels) == pytest.approx(0.1)
    assert seen("headrace_tokens_out_total", **labels) == 0


def test_one_token_has_no_time_between(metrics: Metrics) -> None:
    call = ended_call(A)
    call.tokens_out = 1
    metrics.finished(call)
    labels = {"backend": "gpu-a", "model": "llama"}
    assert scrape(metrics)("headrace_inter_token_seconds_count", **labels) == 0


def test_a_retried_request_does_not_blur_the_overhead(metrics: Metrics) -> None:
    call = ended_call(A)
    call.attempts = 2
    metrics.finished(call)
    assert scrape(metrics)("headrace_proxy_overhead_seconds_count") == 0


def test_streams_that_go_on_are_counted_and_no_attempt_twice(metrics: Metrics) -> None:
    broken = msgspec.structs.replace(
        failed_with(Kind.TRUNCATED, phase=Phase.STREAM), retryable=True
    )
    call = ended_call(A)
    call.continued, call.attempts = 1, 2
    metrics.attempt_failed(call, broken, retried=True)
    metrics.finished(call)
    given_up = ended_call(A, failure=broken)
    metrics.attempt_failed(given_up, broken, retried=False)
    metrics.finished(given_up)

    seen = scrape(metrics)
    assert seen("headrace_continuations_total", result="tried") == 1
    assert seen("headrace_continuations_total", result="resumed") == 1
    assert seen("headrace_attempts_total", backend="gpu-a", result="truncated_stream") == 2
    assert seen("headrace_retries_total", reason="truncated_stream") == 1


def test_attempts_and_retries_are_counted_by_kind(metrics: Metrics) -> None:
    call = ended_call(A)
    metrics.attempt_failed(call, failed_with(), retried=True)
    metrics.attempt_failed(call, failed_with(Kind.STATUS, phase=Phase.WAIT), retried=False)
    seen = scrape(metrics)
    assert seen("headrace_attempts_total", backend="gpu-a", result="connect_refused") == 1
    assert seen("headrace_attempts_total", backend="gpu-a", result="backend_status") == 1
    assert seen("headrace_retries_total", reason="connect_refused") == 1
    assert seen("headrace_retries_total", reason="backend_status") is None


@pytest.mark.parametrize(
    ("kind", "origin", "phase", "counted"),
    [
        (Kind.CLIENT_GONE, Origin.CLIENT, Phase.WAIT, 1),
        (Kind.CLIENT_GONE, Origin.CLIENT, Phase.QUEUE, None),
        (Kind.TRUNCATED, Origin.BACKEND, Phase.STREAM, 1),
        (Kind.CLOSED, Origin.BACKEND, Phase.WAIT, None),  # `attempt_failed` was told
    ],
)
def test_attempts_that_ended_with_their_call(
    kind: Kind, origin: Origin, phase: Phase, counted: int | None, metrics: Metrics
) -> None:
    metrics.finished(ended_call(A, failure=failed_with(kind, origin, phase)))
    seen = scrape(metrics)
    assert seen("headrace_attempts_total", backend="gpu-a", result=kind.value) == counted
    assert seen("headrace_attempts_total", backend="gpu-a", result="ok") is None


def test_a_request_that_reached_no_backend_has_an_empty_label(metrics: Metrics) -> None:
    failure = failed_with(Kind.QUEUE_FULL, Origin.PROXY, Phase.QUEUE)
    metrics.finished(ended_call(None, failure=failure, status=503))
    metrics.finished(ended_call(None, model="", failure=failure, status=400))
    seen = scrape(metrics)
    name = "headrace_requests_total"
    assert seen(name, backend="", model="llama", status="503", end="PQ") == 1
    assert seen(name, backend="", model="", status="400", end="PQ") == 1


def test_made_up_names_share_one_series(metrics: Metrics) -> None:
    for number in range(50):
        metrics.finished(ended_call(None, model=f"made-up-{number}", status=404))
    metrics.finished(ended_call(A, model="chat"))
    seen = scrape(metrics)
    assert seen.labels_of("headrace_requests_total", "model") == {"(other)", "chat"}
    assert (
        seen("headrace_requests_total", backend="", model="(other)", status="404", end="--") == 50
    )


def test_too_many_models_share_one_series() -> None:
    names = [f"m{number}" for number in range(300)]
    metrics = Metrics("1", FakeView({A: names}))
    for name in names:
        metrics.finished(ended_call(A, model=name))
    assert len(metrics._series) == 257
    assert ("gpu-a", "(other)") in metrics._series


def test_in_flight_is_what_started_and_did_not_end(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.started()
    metrics.finished(ended_call(A))
    assert metrics.in_flight == 2


def test_gauges_are_looked_up_at_the_scrape(view: FakeView, metrics: Metrics) -> None:
    view.waiting = {"llama": 4, "idle": 0}
    view.connections, view.lag, view.dropped, view.running = 12, 0.004, 5, 2
    seen = scrape(metrics)
    assert seen("headrace_queue_depth", model="llama") == 4
    assert seen("headrace_queue_depth", model="idle") is None
    assert seen("headrace_client_connections") == 12
    assert seen("headrace_loop_lag_seconds") == 0.004
    assert seen("headrace_requests_in_flight") == 2
    assert seen("headrace_log_lines_dropped_total") == 5
    assert seen("headrace_models") == 2
    view.connections = 13
    assert scrape(metrics)("headrace_client_connections") == 13


def test_backends_are_told_one_by_one() -> None:
    busy, broken = make_backend("busy", cap=4), make_backend("broken")
    view = FakeView({busy: ["llama"], broken: ["llama"]})
    lease = busy.lease(100.0, 50.0, view.clock)
    trip(broken, view.clock)
    metrics = Metrics("1", view)
    metrics.passed_over = lambda: [(broken, State.SLOW, 3)]
    busy.judge(State.SILENT, 2.5, 1.0, view.clock)
    seen = scrape(metrics)
    assert seen("headrace_backend_standing", backend="busy", state="silent") == 1
    assert seen("headrace_backend_standing", backend="busy", state="good") == 0
    assert seen("headrace_backend_slowness", backend="busy") == 2.5
    assert seen("headrace_backend_passed_over_total", backend="broken", reason="slow") == 3
    assert seen("headrace_backend_up", backend="busy") == 1
    assert seen("headrace_backend_up", backend="broken") == 0
    assert seen("headrace_backend_draining", backend="busy") == 0
    broken.drain(view.clock)
    assert scrape(metrics)("headrace_backend_draining", backend="broken") == 1
    assert seen("headrace_backend_in_flight", backend="busy") == 1
    assert seen("headrace_backend_work", backend="busy") == 150
    assert seen("headrace_backend_cap", backend="busy") == 4
    assert seen("headrace_backend_cap", backend="broken") is None
    assert seen("headrace_breaker_state", backend="busy", state="closed") == 1
    assert seen("headrace_breaker_state", backend="broken", state="open") == 1
    assert seen("headrace_breaker_state", backend="broken", state="closed") == 0
    assert seen("headrace_breaker_opened_total", backend="broken") == 1
    lease.release()


def test_everything_declared_is_told_and_nothing_else(metrics: Metrics) -> None:
    metrics.finished(ended_call(A))
    metrics.attempt_failed(ended_call(A), failed_with(), retried=True)
    told = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type)
        for family in scrape(metrics).families
        if family.name.startswith("headrace_")
    }
    assert told == {(family.name, family.type) for family in FAMILIES}


def test_the_process_is_told_by_the_library(metrics: Metrics) -> None:
    seen = scrape(metrics)
    assert (seen("process_resident_memory_bytes") or 0) > 1_000_000
    assert (seen("process_start_time_seconds") or 0) > 1_600_000_000


def test_labels_are_escaped() -> None:
    odd = make_backend('a"\\b')
    metrics = Metrics("1", FakeView({odd: ["llama"]}))
    assert scrape(metrics)("headrace_backend_up", backend='a"\\b') == 1


def test_pieces_are_short_and_join_to_one_exposition() -> None:
    names = [f"m{number}" for number in range(60)]
    metrics = Metrics("1", FakeView({A: names}))
    for name in names:
        metrics.finished(ended_call(A, model=name))
    pieces = list(metrics.parts())
    assert max(piece.count(b"\n") for piece in pieces) < 150
    text = b"".join(pieces)
    headings = [line for line in text.splitlines() if line.startswith(b"# TYPE")]
    assert len(set(headings)) == len(headings)
    assert Scraped(text)("headrace_queue_seconds_count", backend="gpu-a", model="m59") == 1


def test_counting_between_two_pieces_does_no_harm(metrics: Metrics) -> None:
    metrics.finished(ended_call(A))

    def parts_with_traffic() -> Iterator[bytes]:
        for part in metrics.parts():
            metrics.finished(ended_call(A, model="chat"))
            metrics.finished(ended_call(None, status=404))
            metrics.attempt_failed(ended_call(A), failed_with(), retried=True)
            yield part

    assert Scraped(b"".join(parts_with_traffic())).families
