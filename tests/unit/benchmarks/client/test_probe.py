"""What the probe makes of answers."""

import pytest

from benchmarks.client.probe import _judge, _judge_stream, _names
from benchmarks.client.reading import Report
from benchmarks.client.target import EndpointError, Target
from benchmarks.load.observed import Observed

TARGET = Target(name="t", url="http://h:1", model="m")
MS = 1_000_000


def report(said: str = "", **more: object) -> Report:
    observed = Observed(index=0, **more)  # type: ignore[arg-type]
    return Report(observed=observed, words=[], said=said)


def test_lists_of_models() -> None:
    assert _names({"data": [{"id": "a"}, {"id": "b"}]}) == ("a", "b")
    assert _names({"models": [{"name": "c:latest"}, {"name": 3}, 4]}) == ("c:latest",)
    assert _names([]) == ()
    assert _names({"data": None}) == ()


@pytest.mark.parametrize(
    ("status", "models", "words"),
    [
        (401, (), "Is the API key right"),
        (404, ("a", "b"), "has no model 'm'. It has: a, b."),
        (400, ("a",), "has no model 'm'"),
        (404, ("m",), "is not there (404: gone)"),
        (404, (), "Are base URL and API right"),
        (429, ("m",), "takes no request at the moment"),
        (500, ("a",), "refuses a small request (500: gone)"),
    ],
)
def test_each_refusal_has_its_sentence(status: int, models: tuple[str, ...], words: str) -> None:
    with pytest.raises(EndpointError) as caught:
        _judge(TARGET, models, report("gone", status=status, failure="status"))

    assert words in str(caught.value)


def test_a_good_answer_passes() -> None:
    _judge(TARGET, (), report(status=200))


def test_events_held_back_on_the_way() -> None:
    received, written = [200 * MS] * 5, [at * 20 * MS for at in range(5)]
    with pytest.raises(EndpointError, match="5 events written over 80 ms arrived within 0"):
        _judge_stream(TARGET, report(received=received, emitted=written))

    _judge_stream(TARGET, report(received=written, emitted=written))


def test_a_fast_engine_is_not_a_buffer() -> None:
    at_once = report(received=[5 * MS] * 20, emitted=[MS] * 20, segments=1, ended_ns=90 * MS)
    quick = report(received=[5 * MS] * 20, segments=1, ended_ns=6 * MS)
    few = report(received=[80 * MS] * 2, segments=1, ended_ns=90 * MS)
    for one in (at_once, quick, few):
        _judge_stream(TARGET, one)
