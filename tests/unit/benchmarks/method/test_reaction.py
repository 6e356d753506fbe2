"""What a failing backend did to the load, from requests made by hand."""

import pytest

from benchmarks.load.observed import Observed
from benchmarks.method.reaction import Incident, reaction, timeline

S = 1_000_000_000
MS = 1_000_000
INCIDENT = Incident(engine="a", broke_ns=10 * S, healed_ns=15 * S)


def answer(
    at: float, *, engine: str = "a", wait: float = 0.05, last: float = 1.0, **changes: object
) -> Observed:
    """Return a request sent `at` seconds, its first token after `wait`, over after `last`."""
    sent = int(at * S)
    fields: dict[str, object] = {
        "index": 0,
        "intended_ns": sent,
        "sent_ns": sent,
        "first_ns": sent + int(wait * S),
        "received": [sent + int(wait * S), sent + int(last * S)],
        "ended_ns": sent + int(last * S),
        "engine": engine,
    }
    return Observed(**{**fields, **changes})  # type: ignore[arg-type]  # the fields are checked there


def failed(at: float, **changes: object) -> Observed:
    return answer(at, failure="reset", **changes)  # type: ignore[arg-type]


def test_nothing_happened() -> None:
    found = reaction([answer(n) for n in range(1, 20)], INCIDENT)
    assert found["failures"] == found["slowed"] == found["recovered_after_s"] == 0


def test_failures_before_and_after_the_first_token_are_told_apart() -> None:
    found = reaction([answer(1), failed(9.8), failed(10.2, first_ns=0, received=[])], INCIDENT)
    assert found["failures_in_stream"] == 1
    assert found["failures_before_first_token"] == 1


def test_recovery_ends_with_the_last_who_was_told_of_a_failure() -> None:
    found = reaction([answer(1), failed(9.8, last=0.4), failed(11, last=0.5)], INCIDENT)
    assert found["recovered_after_s"] == pytest.approx(1.5)


def test_who_waited_much_longer_than_usual_was_slowed() -> None:
    found = reaction([answer(1), answer(2), answer(10.1, wait=0.9), answer(11, wait=0.1)], INCIDENT)
    assert found["slowed"] == 1
    assert found["recovered_after_s"] == pytest.approx(1.0)


def test_a_failure_before_the_fault_does_not_delay_recovery() -> None:
    found = reaction([failed(2)], INCIDENT)
    assert found["failures"] == 1
    assert found["recovered_after_s"] == 0


def test_the_backend_is_back_with_its_first_answer_after_healing() -> None:
    load = [answer(14, engine="a"), answer(15.5, engine="b"), answer(16, engine="a", wait=0.25)]
    assert reaction(load, INCIDENT)["rejoined_after_s"] == pytest.approx(1.25)
    assert reaction(load[:2], INCIDENT)["rejoined_after_s"] is None


def test_streams_on_the_broken_backend_are_counted() -> None:
    load = [answer(9.5), answer(9.5, engine="b"), answer(9.99, first_ns=0, received=[])]
    assert reaction(load, INCIDENT)["streaming_then"] == 1


def test_the_timeline_puts_everything_into_its_step() -> None:
    load = [answer(0.1, last=0.3), failed(0.6, last=0.05), answer(0.1, last=0.9, wait=0.6)]
    columns = timeline(load, 0, step=0.5)
    assert columns["at_s"] == [0.0, 0.5, 1.0]
    assert columns["ok"] == [1, 0, 1]
    assert columns["failed"] == [0, 1, 0]
    assert sum(columns["tokens"]) == 6
    assert columns["ttft_ms"] == [pytest.approx(50), pytest.approx(600), 0]
