"""The books: what each key has used, for metrics and for a ledger."""

import msgspec
import pytest

from proxy.core.account import Cost, Grant
from proxy.core.call import OK, Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.usage import Used
from proxy.flow import books
from proxy.flow.books import Books
from proxy.flow.guard import Guard, Tariff
from tests.fixtures.fleet import make_backend
from tests.fixtures.keyed import NOW, guarding, key

ROW = Used(
    day="2026-11-22",
    key="team",
    tenant="team",
    model="m",
    requests=1,
    tokens_in=5,
    tokens_out=7,
    money=12.0,
)


TWICE = msgspec.structs.replace(ROW, requests=2, tokens_in=10, tokens_out=14, money=24.0)


def failure(kind: Kind) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail="x")


def scene(*names: str) -> tuple[Books, Guard]:
    guard = guarding([key(name, budget_tokens=1000) for name in names])
    guard.tariff = Tariff({"m": (1.0, 1.0)})
    sums = Books(guard, lambda: 1001.0)
    sums.kept = True
    return sums, guard


def ended(guard: Guard, name: str = "team", *, given: bool = True) -> Call:
    call = Call("id", "/v1/chat/completions", 1000.0)
    account = guard.accounts[name]
    call.grant = account.refused
    if given:
        grant = account.admit(1000.0, 50.0, 0.0, NOW)
        assert isinstance(grant, Grant)
        call.grant = grant
        call.backend, call.committed, call.model, call.end = make_backend("a"), True, "m", OK
        call.tokens_in, call.tokens_out = 5, 7
    return call


def test_a_call_is_entered_and_settled() -> None:
    sums, guard = scene("team")

    sums.finished(ended(guard))
    sums.finished(ended(guard))

    assert sums.requests == {("team", "team", "ok"): 2}
    assert sums.tokens == {("team", "team", "in"): 10, ("team", "team", "out"): 14}
    assert guard.accounts["team"].spent == Cost(tokens=24.0, money=24.0)
    assert sums.written(9) == [TWICE]
    assert sums.written(9) == []


def used(sums: Books, guard: Guard, *models: str) -> None:
    for model in models:
        call = ended(guard)
        call.model = model
        sums.finished(call)


def test_the_oldest_sums_are_handed_out_first_and_no_more_than_asked_for() -> None:
    sums, guard = scene("team")
    used(sums, guard, "a", "b", "c")
    assert sums.unwritten == 3

    assert [row.model for row in sums.written(2)] == ["a", "b"]
    assert sums.unwritten == 1
    assert [row.model for row in sums.written(2)] == ["c"]


def test_models_without_number_are_one_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "MAX_PLACES", 2)
    sums, guard = scene("team")

    used(sums, guard, "a", "b", "c", "d", "a")

    rows = sums.written(9)
    assert [(row.model, row.requests) for row in rows] == [("a", 2), ("b", 1), ("(other)", 2)]


def test_a_call_without_an_answer_is_one_that_failed() -> None:
    sums, guard = scene("team")
    call = ended(guard)
    call.committed, call.end, call.failure = False, "BW", failure(Kind.CLOSED)

    sums.finished(call)

    assert sums.requests == {("team", "team", "failed"): 1}
    assert guard.accounts["team"].spent.tokens == 0


def test_a_refusal_counts_by_its_kind_and_uses_nothing() -> None:
    sums, guard = scene("team")
    call = ended(guard, given=False)
    call.failure, call.end = failure(Kind.RATE_LIMITED), "CR"

    sums.finished(call)

    assert sums.requests == {("team", "team", "rate_limit_exceeded"): 1}
    assert sums.written(9) == []


def test_who_is_not_known_counts_without_a_name() -> None:
    sums, _ = scene("team")
    for kind in (Kind.NO_KEY, Kind.BAD_KEY, Kind.BAD_REQUEST):
        call = Call("id", "/", 1000.0)
        call.failure = failure(kind)
        sums.finished(call)

    assert sums.requests == {("", "", "api_key_missing"): 1, ("", "", "api_key_unknown"): 1}


def test_many_keys_are_one_line() -> None:
    names = [f"k{number}" for number in range(books.MAX_KEYS + 2)]
    sums, guard = scene(*names)

    for name in names:
        sums.finished(ended(guard, name))

    assert len(sums.requests) == books.MAX_KEYS + 1
    assert sums.requests["(other)", "(other)", "ok"] == 2
    assert len(sums.written(999)) == len(names)


def test_without_a_ledger_nothing_is_kept_for_one() -> None:
    sums, guard = scene("team")
    sums.kept = False

    sums.finished(ended(guard))

    assert sums.written(9) == []
    assert sums.requests == {("team", "team", "ok"): 1}
