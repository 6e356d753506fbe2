"""GenAI metrics: what the conventions name, in their buckets, within bounded space."""

import pytest
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint
from opentelemetry.sdk.resources import Resource

from proxy.core.call import Call
from proxy.core.failure import Kind, Origin
from proxy.telemetry.instruments import MAX_SERIES, Instruments
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with

Points = dict[str, list[HistogramDataPoint]]


def instruments(*, latest: bool = False) -> Instruments:
    return Instruments(Resource({}), "1.0", wall=lambda: 1000.0, latest=latest)


def call(**more: object) -> Call:
    backend = make_backend("gpu-a")
    backend.kind = "vllm"
    made = ended_call(backend, **more)  # type: ignore[arg-type] # passed on
    made.native_model = "org/llama"
    return made


def points(counted: Instruments) -> Points:
    (resource,) = counted.collect().resource_metrics
    (scope,) = resource.scope_metrics
    found: Points = {}
    for metric in scope.metrics:
        assert isinstance(metric.data, Histogram)
        found[metric.name] = list(metric.data.data_points)
    return found


def test_a_stream_is_counted_in_every_histogram() -> None:
    counted = instruments()
    counted.attempt_failed(call(), failed_with(), retried=True)
    counted.finished(call())
    counted.finished(call())

    found = points(counted)

    assert {name: sum(p.count for p in some) for name, some in found.items()} == {
        "gen_ai.server.request.duration": 2,
        "gen_ai.client.operation.duration": 2,
        "gen_ai.server.time_to_first_token": 2,
        "gen_ai.server.time_per_output_token": 2,
        "gen_ai.client.token.usage": 4,
    }
    (duration,) = found["gen_ai.server.request.duration"]
    assert duration.sum == pytest.approx(4.0)
    (operation,) = found["gen_ai.client.operation.duration"]
    assert operation.sum == pytest.approx(3.0), "half a second of each was spent in the queue"
    assert duration.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vllm",
        "gen_ai.request.model": "llama",
        "gen_ai.response.model": "org/llama",
    }
    assert len(duration.bucket_counts) == len(duration.explicit_bounds) + 1
    assert duration.explicit_bounds[0] == 0.01
    assert duration.explicit_bounds[-1] == 81.92
    (each,) = found["gen_ai.server.time_per_output_token"]
    assert each.sum == pytest.approx(2 * 0.05)  # ten tokens in half a second
    tokens = {
        dict(p.attributes or {})["gen_ai.token.type"]: p.sum
        for p in found["gen_ai.client.token.usage"]
    }
    assert tokens == {"input": 14, "output": 22}


def test_the_newest_names() -> None:
    counted = instruments(latest=True)
    counted.finished(call())

    found = points(counted)

    assert "gen_ai.client.token.usage" not in found
    assert "gen_ai.client.operation.duration" not in found
    assert found["gen_ai.client.inference.duration"][0].count == 1
    assert found["gen_ai.client.inference.operation.input_tokens"][0].sum == 7
    (out,) = found["gen_ai.client.inference.operation.output_tokens"]
    assert dict(out.attributes or {})["gen_ai.provider.name"] == "vllm"


def test_a_plain_answer_has_no_first_token() -> None:
    counted = instruments()
    counted.finished(call(stream=False))

    assert set(points(counted)) == {
        "gen_ai.server.request.duration",
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
    }


def test_names_that_nobody_serves_are_not_kept() -> None:
    counted = instruments()
    for number in range(50):
        refused = ended_call(
            model=f"made-up-{number}", failure=failed_with(Kind.UNKNOWN_MODEL, Origin.CLIENT)
        )
        refused.path = f"/made/up/{number}"
        counted.finished(refused)

    found = points(counted)
    assert "gen_ai.client.operation.duration" not in found, "no engine was asked"
    (duration,) = found["gen_ai.server.request.duration"]
    assert duration.count == 50
    assert dict(duration.attributes or {}) == {
        "gen_ai.operation.name": "_OTHER",
        "gen_ai.system": "_OTHER",
        "gen_ai.request.model": "_OTHER",
        "error.type": "model_not_found",
    }


def test_there_are_only_so_many_series() -> None:
    counted = instruments()
    for number in range(MAX_SERIES + 20):
        one = call(model=f"m-{number}")
        counted.finished(one)

    durations = points(counted)["gen_ai.server.request.duration"]
    assert len(durations) == MAX_SERIES + 1
    assert sum(point.count for point in durations) == MAX_SERIES + 20


def test_nothing_counted_is_nothing_told() -> None:
    assert points(instruments()) == {}
