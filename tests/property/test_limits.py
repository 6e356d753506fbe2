"""Limits of keys: never more than allowed in any stretch of time, whatever happens in between."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.account import Account, Calendar, Grant, Span
from proxy.core.keys import Key
from proxy.core.window import SLOTS, Window

CALENDAR = Calendar(wall=0.0, day=Span(name="d", ends_at=1e9), month=Span(name="m", ends_at=1e9))
STEPS = st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(1, 6)), max_size=80)


@given(limit=st.integers(1, 12), steps=STEPS)
def test_no_minute_holds_more_than_the_limit(limit: int, steps: list[tuple[float, int]]) -> None:
    window, now = Window(limit), 1000.0
    taken: list[tuple[float, int]] = []
    for pause, amount in steps:
        now += pause
        room = window.room(now)
        assert window.wait(amount, now) > 0 or room >= amount
        claimed = window.claim(amount, now)
        assert (claimed is not None) == (room >= amount)
        if claimed is not None:
            taken.append((now, amount))

    for begin, _ in taken:
        assert sum(n for at, n in taken if begin <= at < begin + 60.0) <= limit


@given(limit=st.integers(1, 12), steps=STEPS)
def test_who_waits_as_told_gets_room(limit: int, steps: list[tuple[float, int]]) -> None:
    window, now = Window(limit), 1000.0
    for pause, wanted in steps:
        amount = min(wanted, limit)
        now += pause
        now += window.wait(amount, now) + 1e-6
        assert window.room(now) >= amount
        window.take(amount, now)


@given(steps=st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 50), st.integers(0, 50))))
def test_after_a_period_without_anything_all_is_there(
    steps: list[tuple[float, int, int]],
) -> None:
    window, now = Window(100), 1000.0
    for pause, estimate, cost in steps:
        now += pause
        slot = window.take(estimate, now)
        window.correct(slot, cost - estimate, now + 7.0)
        now += 7.0

    assert window.room(now + 60.0 * (1 + 2 / SLOTS)) == 100


class _Run:
    """One call: its grant, and what has become of it."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.released = False


@given(
    acts=st.lists(
        st.tuples(st.sampled_from("brs"), st.integers(0, 40), st.floats(0.0, 15.0)), max_size=60
    )
)
def test_an_account_balances_after_any_history(acts: list[tuple[str, int, float]]) -> None:
    """b: a call begins; r: the oldest is released; s: the oldest that was released is settled."""
    key = Key(name="k", concurrency=3, tokens_per_minute=100, budget_tokens=400)
    account = Account(key, lambda _kind, _name, limit: Window(limit))
    now, spent = 1000.0, 0
    runs: list[_Run] = []
    for act, tokens, pause in acts:
        now += pause
        if act == "b":
            running = sum(not run.released for run in runs)
            room = account.tokens.room(now) if account.tokens else 0.0
            left = 400 - spent - sum(run.grant.tokens for run in runs)
            fits = running < 3 and tokens <= room and tokens <= left
            grant = account.admit(now, tokens, 0.0, CALENDAR)
            assert isinstance(grant, Grant) == fits
            if isinstance(grant, Grant):
                runs.append(_Run(grant))
        elif act == "r" and (live := [run for run in runs if not run.released]):
            live[0].released = True
            account.released(live[0].grant)
        elif act == "s" and (over := [run for run in runs if run.released]):
            runs.remove(over[0])
            account.settled(over[0].grant, tokens, 0.0, now, CALENDAR)
            spent += tokens
        assert account.running == sum(not run.released for run in runs)
        assert account.reserved_tokens == sum(run.grant.tokens for run in runs)
        assert account.spent.tokens == spent
