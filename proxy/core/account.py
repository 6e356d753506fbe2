"""What one key has under way and has used up, and whether it may have more.

Theory. A call reserves what it is expected to cost when it begins, and is corrected when its end
shows what it did cost; so many calls that begin at once cannot all count on the same room.

    admit      key good? -> room in each limit? -> all are taken; or none is, and why
    released   the call has ended: its place is free at once
    settled    its tokens are known, a moment later: window and budget are corrected

Limits of a minute are sliding windows (`core/window`). A budget is a sum over a day or a month of
UTC; who keeps it beyond this process adds what others spent with `learnt`.
"""

from collections.abc import Callable
from math import inf
from typing import Final, Protocol

import msgspec

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.keys import Key
from proxy.core.window import Allowance, Slot

SOONEST: Final = 1.0  # seconds: a place of a running call may be free by then
MINUTE: Final = 60.0

Maker = Callable[[str, str, float], Allowance]  # of a kind of limit, a name of a key, a limit


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A day or a month, such as 2026-11, and when it ends (Unix seconds)."""

    name: str
    ends_at: float


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The time of day, as far as keys need it: when this was made, and in which spans that is."""

    wall: float
    day: Span
    month: Span


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a call costs, or is expected to."""

    tokens: float = 0.0
    money: float = 0.0


class Grant(msgspec.Struct, frozen=True, eq=False):
    """The right of a call to run: given or refused, when, and what is reserved for it.

    `slot` is where its tokens are noted. By position: one is made for each call of a limited key.
    """

    account: "Account"
    given: bool
    at: float = 0.0
    tokens: float = 0.0
    money: float = 0.0
    slot: Slot | None = None


class Tally(Protocol):
    """The calls that each key has under way in the other processes of this proxy."""

    def put(self, name: str, count: int) -> None:
        """Write how many this process has."""
        ...

    def room(self, name: str, limit: float, now: float) -> float:
        """Return how many it may have, if all together may have `limit`."""
        ...


class Account:
    """One key in this process. It stays the same through reloads, whatever its limits become.

    All calls of a key without limits share the grant `passed`, all that are refused `refused`.
    """

    __slots__ = (
        "_budget_money",
        "_budget_tokens",
        "_calendar",
        "_make",
        "_money_fresh",
        "_money_spent",
        "_places",
        "_shown",
        "_tally",
        "_tokens_fresh",
        "_tokens_spent",
        "allowed",
        "budgeted",
        "free",
        "key",
        "passed",
        "refused",
        "requests",
        "reserved_money",
        "reserved_tokens",
        "running",
        "span",
        "tokens",
    )

    def __init__(self, key: Key, make: Maker, tally: Tally | None = None) -> None:
        self.key = key
        self.passed = Grant(self, given=True)
        self.refused = Grant(self, given=False)
        self._make = make
        self._tally = tally
        self._judge(key)
        self.requests = self._allowance("requests", key.requests_per_minute)
        self.tokens = self._allowance("tokens", key.tokens_per_minute)
        self.running = 0
        self.reserved_tokens = 0.0
        self.reserved_money = 0.0
        self.span = ""  # the day or month in which `spent` was spent
        self._calendar: Calendar | None = None  # by which that is the present one
        self._forget_spent()

    def rekey(self, key: Key) -> None:
        """Follow other limits; what has been taken stays taken."""
        old, self.key = self.key, key
        self._judge(key)
        if key.requests_per_minute != old.requests_per_minute:
            self.requests = self._changed(self.requests, "requests", key.requests_per_minute)
        if key.tokens_per_minute != old.tokens_per_minute:
            self.tokens = self._changed(self.tokens, "tokens", key.tokens_per_minute)
        if key.budget_period != old.budget_period:
            self.span, self._calendar = "", None
            self._forget_spent()
        if self._tally is not None and (key.concurrency, old.concurrency) != (None, None):
            self._tally.put(key.name, 0 if key.concurrency is None else self.running)

    @property
    def spent(self) -> Cost:
        """Return what has been spent in the present day or month."""
        return Cost(tokens=self._tokens_spent, money=self._money_spent)

    @property
    def fresh(self) -> Cost:
        """Return the part of it that nobody else has been told of."""
        return Cost(tokens=self._tokens_fresh, money=self._money_fresh)

    def _forget_spent(self) -> None:
        self._tokens_spent = self._money_spent = 0.0
        self._tokens_fresh = self._money_fresh = 0.0

    def _judge(self, key: Key) -> None:
        self.allowed: set[str] = set()  # models that its patterns have been found to allow
        # Who sees how many calls run here; only a limit needs that.
        self._shown = None if key.concurrency is None else self._tally
        self._places = inf if key.concurrency is None else key.concurrency
        self._budget_tokens = inf if key.budget_tokens is None else key.budget_tokens
        self._budget_money = inf if key.budget_money is None else key.budget_money
        self.budgeted = (key.budget_tokens, key.budget_money) != (None, None)
        limits = (key.requests_per_minute, key.tokens_per_minute, key.concurrency)
        self.free = not self.budgeted and limits == (None, None, None)  # it allows everything

    def _allowance(self, kind: str, limit: int | None) -> Allowance | None:
        return None if limit is None else self._make(kind, self.key.name, limit)

    def _changed(self, old: Allowance | None, kind: str, limit: int | None) -> Allowance | None:
        if old is None or limit is None:
            return self._allowance(kind, limit)
        old.limit = limit
        return old

    # a call begins -----------------------------------------------------------------------------

    def admit(self, now: float, tokens: float, money: float, calendar: Calendar) -> Grant | Failure:
        """Take what a call is expected to cost; or take nothing, and return why."""
        requests, window, shown = self.requests, self.tokens, self._shown
        places = self._places
        if shown is not None:
            places = shown.room(self.key.name, places, now)
        if self.running >= places:
            what = f"{self.key.concurrency} requests at once, and so many are running"
            return self._limited(what, SOONEST)
        if requests is not None and requests.room(now) < 1:
            what = f"{self.key.requests_per_minute} requests a minute"
            return self._limited(what, min(MINUTE, requests.wait(1, now)))
        if self.budgeted and (why := self._spent_up(tokens, money, calendar)) is not None:
            return why
        slot = None
        if window is not None:  # the last one that may refuse: it takes at once
            slot = window.claim(tokens, now)
            if slot is None:
                return self._costs_too_much(window, tokens, now)
        self.running += 1
        if shown is not None:
            shown.put(self.key.name, self.running)
        self.reserved_tokens += tokens
        self.reserved_money += money
        if requests is not None:
            requests.take(1, now)
        return Grant(self, True, now, tokens, money, slot)

    def _costs_too_much(self, window: Allowance, tokens: float, now: float) -> Failure:
        wait = window.wait(tokens, now)
        what = f"{self.key.tokens_per_minute} tokens a minute"
        if wait > 2 * MINUTE:  # never, whatever is waited for
            what += f", and this request alone is estimated at {tokens:.0f}: send a smaller one"
        return self._limited(what, min(MINUTE, wait))

    def _spent_up(self, tokens: float, money: float, calendar: Calendar) -> Failure | None:
        if calendar is not self._calendar:
            self._turn(calendar)
        if self._tokens_spent + self.reserved_tokens + tokens > self._budget_tokens:
            return self._over_budget(f"{self.key.budget_tokens} tokens", calendar)
        if self._money_spent + self.reserved_money + money > self._budget_money:
            return self._over_budget(f"{self.key.budget_money:g} in money", calendar)
        return None

    def _over_budget(self, what: str, calendar: Calendar) -> Failure:
        key, span = self.key, self._span(calendar)
        return Failure(
            kind=Kind.BUDGET_SPENT,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"the key {key.name!r} has a budget of {what} a {key.budget_period}, and what is"
            f" left of it in {span.name} is not enough for this request",
            retry_after=max(SOONEST, span.ends_at - calendar.wall),
        )

    def _limited(self, what: str, wait: float) -> Failure:
        return Failure(
            kind=Kind.RATE_LIMITED,
            origin=Origin.CLIENT,
            phase=Phase.READ,
            detail=f"the key {self.key.name!r} may have {what}",
            retry_after=max(SOONEST, wait),
        )

    # a call ends -------------------------------------------------------------------------------

    def released(self, grant: Grant) -> None:
        """Free the place of a call that has ended."""
        if grant.given:
            self.running -= 1
            if self._shown is not None:
                self._shown.put(self.key.name, self.running)

    def settled(
        self, grant: Grant, tokens: float, money: float, now: float, calendar: Calendar
    ) -> None:
        """Put what a call did cost in the place of what was reserved for it. Once for each."""
        if not grant.given:
            return
        self.reserved_tokens -= grant.tokens
        self.reserved_money -= grant.money
        slot, window = grant.slot, self.tokens
        if slot is not None and window is not None:
            window.correct(slot, tokens - grant.tokens, now)
        if self.budgeted:
            if calendar is not self._calendar:
                self._turn(calendar)
            self._tokens_spent += tokens
            self._money_spent += money
            self._tokens_fresh += tokens
            self._money_fresh += money

    # what lasts longer than a process ------------------------------------------------------------

    def learnt(self, span: str, total: Cost) -> None:
        """Take over what has been spent of a span in all; what is `fresh` comes on top of it."""
        if self.span in {"", span}:
            self.span = span
            self._tokens_spent = total.tokens + self._tokens_fresh
            self._money_spent = total.money + self._money_fresh

    def told(self, calendar: Calendar) -> Cost:
        """Hand out what is fresh, to be told to others."""
        self._turn(calendar)
        fresh = self.fresh
        self._tokens_fresh = self._money_fresh = 0.0
        return fresh

    def untold(self, cost: Cost) -> None:
        """Take back what nobody could be told."""
        self._tokens_fresh += cost.tokens
        self._money_fresh += cost.money

    def _turn(self, calendar: Calendar) -> None:
        """Follow the calendar: another day or month begins with nothing spent."""
        self._calendar = calendar
        name = self._span(calendar).name
        if self.span != name:
            if self.span:
                self._forget_spent()
            self.span = name

    def _span(self, calendar: Calendar) -> Span:
        return calendar.day if self.key.budget_period == "day" else calendar.month
