"""One word for a backend, and why: each row of the table, and the sentence about all."""

import pytest

from proxy.core.backend import Backend
from proxy.core.standing import State as Standing
from proxy.edge.verdict import Signs, Verdict, headline, verdict
from proxy.telemetry.failures import Record
from proxy.telemetry.vitals import Lag, Vitals
from tests.fixtures.fleet import make_backend, take_down, trip

NOW = 200.0
LAST = Record(
    at=199.0,
    request_id="r",
    model="m",
    backend="a",
    kind="connect_refused",
    detail="nothing listens",
    attempt=1,
    retried=True,
    end="",
    status=0,
)
SLOW = Lag(what="between", factor=3.1, own=0.083, others=0.0065)


def judge(backend: Backend, *, lately: Vitals | None = None, **more: object) -> Verdict:
    signs = Signs(lately=lately or Vitals(), **more)  # type: ignore[arg-type]
    return verdict(backend, signs, NOW)


def test_nothing_to_say_of_a_backend_that_is_well() -> None:
    assert judge(make_backend()) == Verdict(level="ok", word="ready")


def test_checks_that_fail_say_down_and_why() -> None:
    backend = make_backend()
    take_down(backend, 150.0)
    assert judge(backend) == Verdict(level="bad", word="down", why="refused")


def test_a_backend_that_never_answered_is_starting_and_before_that_unchecked() -> None:
    backend = make_backend(ready=False)
    assert judge(backend).word == "unchecked"
    backend.health.probed(False, 1.0, "loading")
    assert judge(backend) == Verdict(level="warn", word="starting", why="loading")


def test_an_order_to_drain_is_told() -> None:
    backend = make_backend()
    backend.drain(NOW)
    assert judge(backend).word == "draining"


def test_an_open_breaker_is_cut_off_until_the_next_try() -> None:
    backend = make_backend()
    trip(backend, NOW)
    found = judge(backend, last=LAST)
    assert (found.level, found.word) == ("bad", "cut off")
    assert found.why == "next try in 2 s; connect_refused: nothing listens"
    assert judge(backend).why == "next try in 2 s"


def test_a_breaker_that_lets_one_through_is_on_trial() -> None:
    backend = make_backend()
    trip(backend, 100.0)
    assert judge(backend, last=LAST).word == "on trial"


def test_one_failure_in_twenty_is_failing() -> None:
    few = judge(make_backend(), lately=Vitals(calls=95, failed=2), tries=2)
    many = judge(make_backend(), lately=Vitals(calls=95, failed=3), tries=5, last=LAST)
    assert few.word == "ready"
    assert (many.level, many.word) == ("warn", "failing")
    assert many.why.startswith("8 of 100 attempts failed lately; connect_refused")
    alone = judge(make_backend(), tries=1)
    assert alone.why == "1 of 1 attempts failed lately"


def test_a_check_that_failed_is_failing() -> None:
    backend = make_backend()
    backend.health.suspect(NOW)
    assert judge(backend) == Verdict(level="warn", word="failing", why="a request failed")


def test_slow_says_in_what_and_how_much() -> None:
    found = judge(make_backend(), lag=SLOW)
    assert (found.word, found.slow_in) == ("slow", "between")
    assert found.why == "each further token takes 3.1 times as long as elsewhere: 83 ms, not 6.5 ms"


@pytest.mark.parametrize(
    ("standing", "word", "why"),
    [
        (Standing.SILENT, "silent", "no token comes from it; others go before it"),
        (Standing.UNSTEADY, "unsteady", "it keeps going down and coming back; others go before it"),
        (Standing.TRIAL, "on trial", "it was passed over and is sent requests again"),
        (Standing.SLOW, "slow", "it takes 3.2 times as long as its peers; others go before it"),
        (Standing.GOOD, "ready", ""),
    ],
)
def test_a_standing_that_is_not_good_is_told(standing: Standing, word: str, why: str) -> None:
    backend = make_backend()
    backend.judge(standing, 3.2, 1.0, NOW)
    found = judge(backend)
    assert (found.word, found.why) == (word, why)


@pytest.mark.parametrize(
    ("standing", "what"),
    [(Standing.SLOW, "others go before it"), (Standing.TRIAL, "it is on trial again")],
)
def test_a_slow_one_says_in_what_and_what_is_done(standing: Standing, what: str) -> None:
    backend = make_backend()
    backend.judge(standing, 3.1, 1.0, NOW)
    found = judge(backend, lag=SLOW)
    assert (found.word, found.slow_in) == ("slow", "between")
    assert found.why.endswith(f"83 ms, not 6.5 ms; {what}")


def test_full_is_told_when_nothing_worse_is() -> None:
    backend = make_backend(cap=1)
    lease = backend.lease(1.0, 1.0, NOW)
    assert judge(backend).why == "all 1 places are taken"
    lease.release()


OK, DOWN, WEAK = (
    Verdict(level=level, word=word)
    for level, word in (("ok", "ready"), ("bad", "down"), ("warn", "slow"))
)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ({}, "No backends."),
        ({"a": OK}, "The backend is ready."),
        ({"a": OK, "b": OK}, "All backends are ready."),
        ({"a": WEAK, "b": DOWN, "c": OK}, "b is down; a is slow."),
        ({"a": DOWN, "b": DOWN}, "a and b are down."),
        ({"a": DOWN, "b": DOWN, "c": DOWN, "d": OK}, "3 of 4 are down."),
        ({"a" * 49: DOWN, "b": OK}, "1 of 2 is down."),
    ],
)
def test_the_headline_names_who_is_not_well(verdicts: dict[str, Verdict], said: str) -> None:
    assert headline(verdicts, draining=False) == said


def test_a_drain_is_the_headline() -> None:
    assert headline({"a": DOWN}, draining=True).startswith("Draining")
