"""Notes of a sampled request: attempts begin and end once, whatever is told twice."""

from itertools import count

import pytest

from proxy.core.failure import Kind
from proxy.core.trace import Trace
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import failed_with


@pytest.fixture
def trace() -> Trace:
    numbers = count(10)
    return Trace(1, flags=1, span_id=2, draw=lambda: next(numbers))


def test_an_attempt_has_a_span_of_its_own(trace: Trace) -> None:
    first = trace.launch(make_backend("a"), "m", 1.0)
    trace.land(failed_with(), 0.0, 2.0)
    second = trace.launch(make_backend("b"), "org/m", 3.0)

    assert [leg.span_id for leg in trace.legs] == [10, 11]
    assert (first.ended, second.ended) == (2.0, 0.0)
    assert first.failure is not None
    assert first.failure.kind is Kind.CONNECT_REFUSED
    assert (second.backend.name, second.model, second.failure) == ("b", "org/m", None)


def test_what_was_sent_before_an_attempt_is_not_its_own(trace: Trace) -> None:
    trace.launch(make_backend("a"), "m", 1.0)
    trace.land(None, 1.5, 2.0)
    trace.launch(make_backend("b"), "m", 2.0)
    trace.land(None, 1.5, 3.0)

    assert [leg.sent for leg in trace.legs] == [1.5, 0.0]


def test_only_an_attempt_that_runs_can_end(trace: Trace) -> None:
    trace.land(None, 0.0, 1.0)
    trace.launch(make_backend("a"), "m", 1.0)
    trace.land(None, 1.0, 2.0)
    trace.land(failed_with(), 1.0, 9.0)

    assert [(leg.ended, leg.failure) for leg in trace.legs] == [(2.0, None)]


@pytest.mark.parametrize(("flags", "wanted"), [(0, False), (1, True), (2, False), (3, True)])
def test_the_flag_says_whether_it_is_sampled(flags: int, wanted: bool) -> None:
    assert Trace(1, flags=flags, span_id=0, draw=lambda: 1).sampled is wanted
