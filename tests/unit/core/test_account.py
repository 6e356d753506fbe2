"""An account: what it lets in, what it takes, and what an end gives back."""

import msgspec
import pytest

from proxy.core.account import Account, Calendar, Cost, Grant, Span
from proxy.core.failure import Failure, Kind
from proxy.core.keys import Key
from proxy.core.window import Window

START = 1000.0
DAY = Span(name="2026-11-22", ends_at=5000.0)
MONTH = Span(name="2026-11", ends_at=90_000.0)
NOW = Calendar(wall=4000.0, day=DAY, month=MONTH)
TOMORROW = Calendar(wall=5001.0, day=Span(name="2026-11-23", ends_at=91_400.0), month=MONTH)


def account(**limits: object) -> Account:
    return Account(Key(name="team", **limits), lambda _kind, _name, limit: Window(limit))  # type: ignore[arg-type]


def asked(account: Account, tokens: float = 0.0, money: float = 0.0) -> Grant | Failure:
    return account.admit(START, tokens, money, NOW)


def let_in(account: Account, tokens: float = 0.0, money: float = 0.0) -> Grant:
    found = asked(account, tokens, money)
    assert isinstance(found, Grant), found
    return found


def refused(account: Account, tokens: float = 0.0, money: float = 0.0) -> Failure:
    found = asked(account, tokens, money)
    assert isinstance(found, Failure)
    return found


def end(grant: Grant, tokens: float = 0.0, money: float = 0.0, when: Calendar = NOW) -> None:
    grant.account.released(grant)
    grant.account.settled(grant, tokens, money, START + 1, when)


def test_without_limits_all_is_let_in() -> None:
    free = account()

    for _ in range(100):
        let_in(free, 1e6)

    assert free.running == 100


def test_so_many_requests_a_minute() -> None:
    limited = account(requests_per_minute=2)
    end(let_in(limited))
    end(let_in(limited))

    failure = refused(limited)

    assert failure.kind is Kind.RATE_LIMITED
    assert "2 requests a minute" in failure.detail
    assert failure.retry_after == pytest.approx(60.0)


def test_a_limit_of_nothing_lets_nothing_in() -> None:
    assert refused(account(requests_per_minute=0)).retry_after == 60.0
    assert refused(account(concurrency=0)).retry_after == 1.0


def test_so_many_requests_at_once_and_a_place_is_free_before_its_tokens_are_known() -> None:
    limited = account(concurrency=1)
    first = let_in(limited)
    assert refused(limited).retry_after == 1.0

    limited.released(first)

    let_in(limited)


def test_tokens_are_reserved_and_then_corrected() -> None:
    limited = account(tokens_per_minute=1000)
    first = let_in(limited, 700)
    assert "1000 tokens a minute" in refused(limited, 400).detail

    end(first, 100)

    let_in(limited, 900)
    assert refused(limited, 1).kind is Kind.RATE_LIMITED


def test_a_request_that_is_larger_than_its_limit_is_told_so() -> None:
    failure = refused(account(tokens_per_minute=10), 11)

    assert "estimated at 11" in failure.detail
    assert failure.retry_after == 60.0


def test_a_refusal_takes_nothing() -> None:
    limited = account(requests_per_minute=5, tokens_per_minute=10, concurrency=5)

    for _ in range(20):
        refused(limited, 11)

    assert (limited.running, limited.reserved_tokens) == (0, 0.0)
    let_in(limited, 10)


def test_what_a_budget_refuses_takes_no_tokens_of_the_minute() -> None:
    limited = account(tokens_per_minute=100, budget_tokens=10)

    for _ in range(20):
        assert refused(limited, 11).kind is Kind.BUDGET_SPENT

    assert limited.tokens is not None
    assert limited.tokens.room(START) == 100


def test_a_budget_counts_what_is_under_way() -> None:
    limited = account(budget_tokens=100)
    first = let_in(limited, 60)
    failure = refused(limited, 60)
    assert failure.kind is Kind.BUDGET_SPENT
    assert "100 tokens a month" in failure.detail
    assert failure.retry_after == 86_000.0

    end(first, 10)

    let_in(limited, 90)


def test_a_budget_of_money_is_by_the_day_if_it_says_so() -> None:
    limited = account(budget_money=1.0, budget_period="day")
    end(let_in(limited, money=0.5), money=1.0)
    failure = refused(limited, money=0.1)
    assert failure.retry_after == 1000.0
    assert "2026-11-22" in failure.detail

    assert isinstance(limited.admit(START, 0.0, 0.1, TOMORROW), Grant)


def test_a_month_does_not_end_with_a_day() -> None:
    limited = account(budget_tokens=10)
    end(let_in(limited, 10), 10)

    assert isinstance(limited.admit(START, 1.0, 0.0, TOMORROW), Failure)


def test_what_ends_on_another_day_is_spent_on_that_day() -> None:
    limited = account(budget_tokens=1000, budget_period="day")
    end(let_in(limited, 10), 400)

    end(let_in(limited, 10), 50, when=TOMORROW)

    assert (limited.spent.tokens, limited.reserved_tokens) == (50.0, 0.0)


def test_one_that_was_never_let_in_gives_nothing_back() -> None:
    limited = account(concurrency=1)
    let_in(limited)

    end(limited.refused, 100)

    assert (limited.running, limited.spent.tokens) == (1, 0.0)


def test_other_limits_hold_at_once_and_what_was_taken_stays_taken() -> None:
    limited = account(requests_per_minute=5)
    for _ in range(3):
        let_in(limited)

    limited.rekey(msgspec.structs.replace(limited.key, requests_per_minute=3))
    assert refused(limited).kind is Kind.RATE_LIMITED

    limited.rekey(msgspec.structs.replace(limited.key, requests_per_minute=None))
    let_in(limited)

    limited.rekey(msgspec.structs.replace(limited.key, tokens_per_minute=1))
    assert refused(limited, 2).kind is Kind.RATE_LIMITED
    assert limited.running == 4


def test_what_was_spent_before_this_process_counts() -> None:
    limited = account(budget_tokens=100)
    limited.learnt("2026-11", Cost(tokens=95))
    assert refused(limited, 10).kind is Kind.BUDGET_SPENT

    end(let_in(limited, 5), 3)
    limited.learnt("2026-11", Cost(tokens=60))

    assert limited.spent.tokens == 63.0


def test_another_period_begins_with_nothing() -> None:
    limited = account(budget_tokens=100)
    limited.learnt("2026-11", Cost(tokens=95))

    limited.rekey(msgspec.structs.replace(limited.key, budget_period="day"))

    let_in(limited, 50)
    assert limited.span == "2026-11-22"


def test_what_is_fresh_is_told_once() -> None:
    limited = account(budget_tokens=100)
    end(let_in(limited, 5), 7)

    assert (limited.told(NOW).tokens, limited.told(NOW).tokens) == (7.0, 0.0)
    assert limited.spent.tokens == 7.0


class FakeTally:
    """What the other processes have under way, and what was written for them."""

    def __init__(self) -> None:
        self.elsewhere = 0
        self.mine: list[int] = []

    def put(self, name: str, count: int) -> None:
        assert name == "team"
        self.mine.append(count)

    def room(self, name: str, limit: float, _now: float) -> float:
        assert name == "team"
        return limit - self.elsewhere


def in_one_of_several(tally: FakeTally, **limits: int) -> Account:
    key = Key(name="team", **limits)  # type: ignore[arg-type]
    return Account(key, lambda _kind, _name, limit: Window(limit), tally)


def test_requests_at_once_are_those_of_all_processes() -> None:
    tally = FakeTally()
    some = in_one_of_several(tally, concurrency=3)
    first = let_in(some)
    tally.elsewhere = 2

    assert refused(some).kind is Kind.RATE_LIMITED
    end(first)
    second = let_in(some)

    assert tally.mine == [1, 0, 1]
    end(second)
    tally.elsewhere = 3
    assert refused(some).kind is Kind.RATE_LIMITED
    assert tally.mine == [1, 0, 1, 0]


def test_only_a_limit_is_told_and_one_that_comes_later_too() -> None:
    tally = FakeTally()
    some = in_one_of_several(tally, budget_tokens=1000)
    let_in(some)
    assert not tally.mine

    some.rekey(msgspec.structs.replace(some.key, concurrency=2))
    assert tally.mine == [1]
    some.rekey(msgspec.structs.replace(some.key, concurrency=None))
    assert tally.mine == [1, 0]
