"""What keys have used, entered when a call has ended and its tokens are known.

One of the readers behind the journal: accounts are corrected, and sums are kept for metrics (since
the start) and for a ledger (since it last asked).
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.core.account import NOTHING, Cost
from proxy.core.call import OK
from proxy.core.usage import Measure, Used, measured
from proxy.flow.guard import challenged

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.failure import Failure
    from proxy.flow.guard import Guard

MAX_KEYS: Final = 256  # lines of each metric; further keys are one
OTHER: Final = "(other)"
Whose = tuple[str, str]  # key and tenant
Place = tuple[str, str, str, str]  # as `Used.place`


class Books:
    """Sums of what was used. `now` is the clock of calls."""

    __slots__ = ("_guard", "_now", "_unwritten", "_whose", "kept", "requests", "tokens")

    def __init__(self, guard: "Guard", now: Callable[[], float]) -> None:
        self._guard = guard
        self._now = now
        self._unwritten: dict[Place, _Sums] = {}
        self.kept = False  # whether there is a ledger, which takes what is `written`
        self._whose: set[Whose] = set()
        self.requests: Counter[tuple[str, str, str]] = Counter()  # key, tenant, result
        self.tokens: Counter[tuple[str, str, str]] = Counter()  # key, tenant, direction

    def attempt_failed(self, call: "Call", failure: "Failure", *, retried: bool) -> None:
        """Do nothing: the call goes on."""

    def finished(self, call: "Call") -> None:
        """Enter an ended call."""
        grant = call.grant
        if grant is None:
            if call.failure is not None and challenged(call.failure):
                self.requests["", "", call.failure.kind.value] += 1
            return
        key = grant.account.key
        whose = self._line(key.name, key.tenant or key.name)
        self.requests[(*whose, _result(call, given=grant.given))] += 1
        if not grant.given:
            return
        guard = self._guard
        used = measured(call)
        money = guard.money(call.model, used.tokens_in, used.tokens_out)
        account = grant.account
        if account.free and grant.reserved is NOTHING:
            grant.given = False
        else:
            cost = Cost(tokens=used.tokens_in + used.tokens_out, money=money)
            account.settled(grant, cost, self._now(), guard.calendar)
        self.tokens[(*whose, "in")] += used.tokens_in
        self.tokens[(*whose, "out")] += used.tokens_out
        if self.kept:
            model = call.model if call.backend is not None else ""
            place = (guard.calendar.day.name, key.name, key.tenant or key.name, model)
            sums = self._unwritten.get(place)
            if sums is None:
                sums = self._unwritten[place] = _Sums()
            sums.add(used, money)

    def written(self) -> list[Used]:
        """Hand out what has been used since this was last asked."""
        unwritten, self._unwritten = self._unwritten, {}
        return [sums.row(place) for place, sums in unwritten.items()]

    def unwritten(self, rows: list[Used]) -> None:
        """Take back what could not be written."""
        for row in rows:
            self._unwritten.setdefault(row.place, _Sums()).take(row)

    def _line(self, name: str, tenant: str) -> Whose:
        whose = (name, tenant)
        if whose not in self._whose:
            if len(self._whose) >= MAX_KEYS:
                return OTHER, OTHER
            self._whose.add(whose)
        return whose


class _Sums:
    """What has been used of one place. Changed in place: a struct for each call took 4 us."""

    __slots__ = ("estimated", "money", "requests", "tokens_in", "tokens_out")

    def __init__(self) -> None:
        self.requests = self.tokens_in = self.tokens_out = self.estimated = 0
        self.money = 0.0

    def add(self, used: Measure, money: float) -> None:
        self.requests += 1
        self.tokens_in += used.tokens_in
        self.tokens_out += used.tokens_out
        self.estimated += used.estimated
        self.money += money

    def take(self, row: Used) -> None:
        self.requests += row.requests
        self.tokens_in += row.tokens_in
        self.tokens_out += row.tokens_out
        self.estimated += row.estimated
        self.money += row.money

    def row(self, place: Place) -> Used:
        day, key, tenant, model = place
        return Used(
            day=day,
            key=key,
            tenant=tenant,
            model=model,
            requests=self.requests,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            money=self.money,
            estimated=self.estimated,
        )


def _result(call: "Call", *, given: bool) -> str:
    """Return ok, failed, or the kind of a refusal by the guard."""
    if call.end == OK:
        return "ok"
    return "failed" if given or call.failure is None else call.failure.kind.value
