"""Trace context: what a `traceparent` says, and which traces are recorded."""

from itertools import count

import pytest

from proxy.core.traceparent import Parent, Sampler, parse, render

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
GIVEN = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def sampler(ratio: float, *drawn: int, follow: bool = True) -> Sampler:
    """Return a sampler whose random numbers are these, then 1, 2, 3, ..."""
    numbers = iter((*drawn, *range(1, 99)))
    return Sampler(ratio, follow=follow, bits=lambda _: next(numbers))


def test_a_traceparent_is_read_and_written() -> None:
    assert parse(GIVEN) == Parent(trace_id=TRACE, span_id=SPAN, flags=1)
    assert render(TRACE, SPAN, 1) == GIVEN


def test_a_version_to_come_may_say_more() -> None:
    assert parse(b"cc" + GIVEN[2:] + b"-what-comes") == parse(GIVEN)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        GIVEN[:-1],
        GIVEN + b"-00",
        b"ff" + GIVEN[2:],
        GIVEN.upper(),
        b" " + GIVEN,
        GIVEN.replace(b"-", b"_"),
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
    ],
)
def test_what_is_malformed_says_nothing(value: bytes) -> None:
    assert parse(value) is None


def test_a_request_of_its_own_is_sampled_by_its_low_bits() -> None:
    quarter = 1 << 62

    assert sampler(0.25, quarter).begin(None) is None
    trace = sampler(0.25, quarter - 1, 7, 8).begin(None)

    assert trace is not None
    assert trace.sampled
    assert trace.trace_id == (7 << 64) + quarter - 1
    assert (trace.span_id, trace.parent_id, trace.flags) == (8, 0, 1)


def test_ids_are_never_zero() -> None:
    trace = sampler(1.0, 0, 0, 0).begin(None)

    assert trace is not None
    assert trace.trace_id == 1
    assert trace.span_id == 1


@pytest.mark.parametrize("ratio", [0.0, 1.0])
@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_the_client_s_decision_is_followed(ratio: float, flags: int) -> None:
    trace = sampler(ratio).begin(Parent(trace_id=TRACE, span_id=SPAN, flags=flags))

    assert trace is not None
    assert (trace.trace_id, trace.parent_id, trace.flags) == (TRACE, SPAN, flags)
    assert trace.sampled == bool(flags & 1) == bool(trace.span_id)


@pytest.mark.parametrize(("ratio", "wanted"), [(0.0, False), (1.0, True)])
def test_the_client_s_decision_counts_for_nothing_where_it_is_not_followed(
    ratio: float, wanted: bool
) -> None:
    for flags in (0, 1):
        parent = Parent(trace_id=TRACE, span_id=SPAN, flags=flags)
        trace = sampler(ratio, follow=False).begin(parent)

        assert trace is not None
        assert trace.trace_id == TRACE
        assert trace.sampled is wanted


def test_one_trace_is_judged_alike_everywhere_and_in_proportion() -> None:
    tenth, half = sampler(0.1), sampler(0.5)
    ids = [number * 0x9E3779B97F4A7C15 % (1 << 64) for number in range(1, 4001)]

    taken = [one for one in ids if tenth.takes(one)]

    assert len(taken) == pytest.approx(400, rel=0.1)
    assert all(half.takes(one) for one in taken)
    assert all(tenth.takes(one | 5 << 64) for one in taken)


def test_every_span_id_is_drawn_anew() -> None:
    numbers = count(1)
    of_all = Sampler(1.0, follow=True, bits=lambda _: next(numbers))

    assert len({of_all.new_span() for _ in range(9)}) == 9
