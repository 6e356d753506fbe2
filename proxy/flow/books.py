"""What keys have used, entered when a call has ended and its tokens are known.

One of the readers behind the journal: accounts are corrected, and sums are kept for metrics (since
the start) and for a ledger (since it last asked).
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.core.account import Cost
from proxy.core.call import OK
from proxy.core.usage import Used, measured
from proxy.flow.guard import challenged

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.failure import Failure
    from proxy.flow.guard import Guard

MAX_KEYS: Final = 256  # lines of each metric; further keys are one
OTHER: Final = "(other)"
Whose = tuple[str, str]  # key and tenant


class Books:
    """Sums of what was used. `now` is the clock of calls."""

    __slots__ = ("_guard", "_now", "_unwritten", "_whose", "requests", "tokens")

    def __init__(self, guard: "Guard", now: Callable[[], float]) -> None:
        self._guard = guard
        self._now = now
        self._unwritten: dict[tuple[str, str, str, str], Used] = {}
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
        cost = Cost(tokens=used.tokens_in + used.tokens_out, money=money)
        grant.account.settled(grant, cost, self._now(), guard.calendar)
        self.tokens[(*whose, "in")] += used.tokens_in
        self.tokens[(*whose, "out")] += used.tokens_out
        self._enter(
            Used(
                day=guard.calendar.day.name,
                key=key.name,
                tenant=key.tenant or key.name,
                model=call.model if call.backend is not None else "",
                requests=1,
                tokens_in=used.tokens_in,
                tokens_out=used.tokens_out,
                money=money,
                estimated=int(used.estimated),
            )
        )

    def written(self) -> list[Used]:
        """Hand out what has been used since this was last asked."""
        unwritten, self._unwritten = self._unwritten, {}
        return list(unwritten.values())

    def unwritten(self, rows: list[Used]) -> None:
        """Take back what could not be written."""
        for row in rows:
            self._enter(row)

    def _enter(self, row: Used) -> None:
        place = row.place
        before = self._unwritten.get(place)
        self._unwritten[place] = row if before is None else before.plus(row)

    def _line(self, name: str, tenant: str) -> Whose:
        whose = (name, tenant)
        if whose not in self._whose:
            if len(self._whose) >= MAX_KEYS:
                return OTHER, OTHER
            self._whose.add(whose)
        return whose


def _result(call: "Call", *, given: bool) -> str:
    """Return ok, failed, or the kind of a refusal by the guard."""
    if call.end == OK:
        return "ok"
    return "failed" if given or call.failure is None else call.failure.kind.value
