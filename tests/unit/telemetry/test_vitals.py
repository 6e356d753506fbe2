"""Waits of ended calls as numbers, and who is slower than its peers."""

import pytest

from proxy.core.call import Call
from proxy.core.failure import Kind, Origin
from proxy.telemetry.vitals import Vitals, by_backend, gap, lag, spread, vitals, wait
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with


def streams(name: str, count: int, *, first: float = 0.1, between: float = 0.02) -> list[Call]:
    """Return streamed calls of eleven tokens with these waits, in seconds."""
    backend, made = make_backend(name), []
    for _ in range(count):
        call = ended_call(backend)
        call.first_token_at = call.dispatched_at + first
        call.last_chunk_at = call.first_token_at + 10 * between
        made.append(call)
    return made


@pytest.mark.parametrize(
    ("waits", "p50", "p95"),
    [([3.0], 3.0, 3.0), ([2.0, 1.0], 1.0, 2.0), ([float(n) for n in range(100)], 49.0, 94.0)],
)
def test_percentiles_are_values_that_were_seen(waits: list[float], p50: float, p95: float) -> None:
    found = spread(waits)
    assert found is not None
    assert (found.count, found.p50, found.p95) == (len(waits), p50, p95)


def test_nothing_seen_is_no_percentile() -> None:
    assert spread([]) is None


def test_the_engine_is_not_blamed_for_the_queue() -> None:
    call = ended_call(make_backend())  # the first token a second after it came, half of that queued
    assert wait(call) == pytest.approx(0.4998)
    assert gap(call) == pytest.approx(0.05)


def test_a_plain_answer_tells_neither_wait() -> None:
    call = ended_call(make_backend(), stream=False)
    assert (wait(call), gap(call)) == (None, None)


def test_pieces_stand_in_for_tokens_that_were_not_told() -> None:
    call = ended_call(make_backend())
    call.tokens_out = None
    assert gap(call) == pytest.approx(0.5 / 12)


def test_what_clients_did_is_no_failure() -> None:
    gone = ended_call(make_backend(), failure=failed_with(Kind.CLIENT_GONE, Origin.CLIENT))
    broken = ended_call(make_backend(), failure=failed_with())
    found = vitals([gone, broken, ended_call(make_backend())])
    assert (found.calls, found.failed) == (3, 1)
    assert found.pieces == pytest.approx(11 / 13)


def test_calls_are_told_apart_by_backend() -> None:
    found = by_backend([*streams("a", 2), *streams("b", 1), ended_call(None)])
    assert {name: one.calls for name, one in found.items()} == {"a": 2, "b": 1}


def test_the_slower_of_two_is_found_in_what_it_is_slower() -> None:
    usual, slow = vitals(streams("a", 5)), vitals(streams("b", 5, between=0.07))
    found = lag(slow, [usual])
    assert found is not None
    assert (found.what, round(found.factor, 1)) == ("between", 3.5)
    assert lag(usual, [slow]) is None


@pytest.mark.parametrize(
    ("peers", "usual"), [((0.02, 0.09, 0.03), 0.03), ((0.02, 0.03, 0.09, 0.04), 0.035)]
)
def test_the_usual_is_the_median_of_the_peers(peers: tuple[float, ...], usual: float) -> None:
    slow = vitals(streams("slow", 5, between=0.2))
    found = lag(slow, [vitals(streams("p", 5, between=one)) for one in peers])
    assert found is not None
    assert found.others == pytest.approx(usual)


def test_the_worse_of_two_delays_is_told() -> None:
    slow = vitals(streams("b", 5, first=0.9, between=0.05))
    found = lag(slow, [vitals(streams("a", 5))])
    assert found is not None
    assert (found.what, round(found.factor)) == ("first_token", 9)


@pytest.mark.parametrize(
    ("own", "others"),
    [
        (vitals(streams("b", 4, between=0.07)), [vitals(streams("a", 5))]),
        (vitals(streams("b", 5, between=0.07)), [vitals(streams("a", 4))]),
        (vitals(streams("b", 5, between=0.07)), []),
        (Vitals(), [vitals(streams("a", 5))]),
        (vitals(streams("b", 5, between=0.039)), [vitals(streams("a", 5))]),
        (vitals(streams("b", 5, between=0.002)), [vitals(streams("a", 5, between=0.0005))]),
    ],
    ids=["few-own", "few-others", "no-peer", "nothing", "not-twice", "nobody-notices"],
)
def test_little_evidence_makes_nobody_slow(own: Vitals, others: list[Vitals]) -> None:
    assert lag(own, others) is None


def test_peers_that_answer_in_no_time_can_be_compared_with() -> None:
    found = lag(vitals(streams("b", 5)), [vitals(streams("a", 5, first=0.0, between=0.0))])
    assert found is not None
    assert found.factor == pytest.approx(10.0)
