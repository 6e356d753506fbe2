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
from typing import Final

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


NOTHING: Final = Cost()


class Grant:
    """The right of one call to run. Made for each call of a known key, given or not."""

    __slots__ = ("account", "at", "given", "reserved", "slot")

    def __init__(self, account: "Account", at: float) -> None:
        self.account = account
        self.at = at  # when it was asked for, on the clock of calls
        self.given = False
        self.reserved = NOTHING
        self.slot: Slot | None = None  # where its tokens are noted


class Account:
    """One key in this process. It stays the same through reloads, whatever its limits become."""

    __slots__ = (
        "_make",
        "_money_fresh",
        "_money_spent",
        "_tokens_fresh",
        "_tokens_spent",
        "allowed",
        "budgeted",
        "free",
        "key",
        "requests",
        "reserved_money",
        "reserved_tokens",
        "running",
        "span",
        "tokens",
    )

    def __init__(self, key: Key, make: Maker) -> None:
        self.key = key
        self._make = make
        self._judge(key)
        self.requests = self._allowance("requests", key.requests_per_minute)
        self.tokens = self._allowance("tokens", key.tokens_per_minute)
        self.running = 0
        self.reserved_tokens = 0.0
        self.reserved_money = 0.0
        self.span = ""  # the day or month in which `spent` was spent
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
            self.span = ""
            self._forget_spent()

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

    def let_in(self, grant: Grant) -> None:
        """Let a call of a key without limits begin."""
        self.running += 1
        grant.given = True

    # a call begins -----------------------------------------------------------------------------

    def admit(self, grant: Grant, cost: Cost, calendar: Calendar) -> Failure | None:
        """Take what a call needs; or take nothing, and return why."""
        now, key, requests, tokens = grant.at, self.key, self.requests, self.tokens
        if key.concurrency is not None and self.running >= key.concurrency:
            what = f"{key.concurrency} requests at once, and so many are running"
            return self._limited(what, SOONEST)
        if requests is not None and requests.room(now) < 1:
            what = f"{key.requests_per_minute} requests a minute"
            return self._limited(what, min(MINUTE, requests.wait(1, now)))
        if tokens is not None and tokens.room(now) < cost.tokens:
            return self._costs_too_much(tokens, cost, now)
        if self.budgeted and (refusal := self._spent_up(cost, calendar)) is not None:
            return refusal
        self.running += 1
        if requests is not None:
            requests.take(1, now)
        if tokens is not None:
            grant.slot = tokens.take(cost.tokens, now)
        self.reserved_tokens += cost.tokens
        self.reserved_money += cost.money
        grant.reserved = cost
        grant.given = True
        return None

    def _costs_too_much(self, tokens: Allowance, cost: Cost, now: float) -> Failure:
        wait = tokens.wait(cost.tokens, now)
        what = f"{self.key.tokens_per_minute} tokens a minute"
        if wait > 2 * MINUTE:  # never, whatever is waited for
            what += (
                f", and this request alone is estimated at {cost.tokens:.0f}: send a smaller one"
            )
        return self._limited(what, min(MINUTE, wait))

    def _spent_up(self, cost: Cost, calendar: Calendar) -> Failure | None:
        key, span = self.key, self._turned(calendar)
        tokens = self._tokens_spent + self.reserved_tokens + cost.tokens
        money = self._money_spent + self.reserved_money + cost.money
        if key.budget_tokens is not None and tokens > key.budget_tokens:
            what = f"{key.budget_tokens} tokens"
        elif key.budget_money is not None and money > key.budget_money:
            what = f"{key.budget_money:g} in money"
        else:
            return None
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

    def settled(self, grant: Grant, cost: Cost, now: float, calendar: Calendar) -> None:
        """Put what a call did cost in the place of what was reserved for it. Once for each."""
        if not grant.given:
            return
        grant.given = False
        if self.free and grant.reserved is NOTHING:
            return
        reserved = grant.reserved
        self.reserved_tokens -= reserved.tokens
        self.reserved_money -= reserved.money
        if self.tokens is not None and grant.slot is not None:
            self.tokens.correct(grant.slot, cost.tokens - reserved.tokens, now)
        if self.budgeted:
            self._turned(calendar)
            self._tokens_spent += cost.tokens
            self._money_spent += cost.money
            self._tokens_fresh += cost.tokens
            self._money_fresh += cost.money

    # what lasts longer than a process ------------------------------------------------------------

    def learnt(self, span: str, total: Cost) -> None:
        """Take over what has been spent of a span in all; what is `fresh` comes on top of it."""
        if self.span in {"", span}:
            self.span = span
            self._tokens_spent = total.tokens + self._tokens_fresh
            self._money_spent = total.money + self._money_fresh

    def told(self, calendar: Calendar) -> Cost:
        """Hand out what is fresh, to be told to others."""
        self._turned(calendar)
        fresh = self.fresh
        self._tokens_fresh = self._money_fresh = 0.0
        return fresh

    def untold(self, cost: Cost) -> None:
        """Take back what nobody could be told."""
        self._tokens_fresh += cost.tokens
        self._money_fresh += cost.money

    def _turned(self, calendar: Calendar) -> Span:
        span = calendar.day if self.key.budget_period == "day" else calendar.month
        if self.span != span.name:
            if self.span:
                self._forget_spent()
            self.span = span.name
        return span
