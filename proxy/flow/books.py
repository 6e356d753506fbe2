"""What keys have used, entered when a call has ended and its tokens are known.

One of the readers behind the journal: accounts are corrected, and sums are kept for metrics (since
the start) and for a ledger (since it last asked). Where a call of a key is entered is looked up
once; from then on it is additions.
"""

from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from proxy.core.call import OK
from proxy.core.usage import Measure, Used, measured
from proxy.flow.guard import challenged

if TYPE_CHECKING:
    from proxy.core.account import Account
    from proxy.core.call import Call
    from proxy.core.failure import Failure
    from proxy.core.keys import Key
    from proxy.flow.guard import Guard

MAX_KEYS: Final = 256  # lines of each metric; further keys are one
MAX_PAGES: Final = 4096  # accounts whose places are remembered
MAX_PLACES: Final = 10_000  # sums kept for a ledger that cannot be written: some 5 MB
OTHER: Final = "(other)"
Whose = tuple[str, str]  # key and tenant
Place = tuple[str, str, str, str]  # as `Used.place`


class Books:
    """Sums of what was used. `now` is the clock of calls."""

    __slots__ = ("_guard", "_lines", "_now", "_pages", "_strangers", "_unwritten", "kept")

    def __init__(self, guard: "Guard", now: Callable[[], float]) -> None:
        self._guard = guard
        self._now = now
        self.kept = False  # whether there is a ledger, which takes what is `written`
        self._unwritten: dict[Place, _Sums] = {}
        self._lines: dict[Whose, _Line] = {}
        self._pages: dict[Account, _Page] = {}
        self._strangers: Counter[str] = Counter()  # requests without a good key, by what was wrong

    @property
    def requests(self) -> dict[tuple[str, str, str], int]:
        """Return how many there were of each key and tenant, by their result."""
        strangers = {("", "", what): count for what, count in self._strangers.items()}
        return strangers | {
            (*whose, result): count
            for whose, line in self._lines.items()
            for result, count in line.results().items()
        }

    @property
    def tokens(self) -> dict[tuple[str, str, str], int]:
        """Return the tokens of each key and tenant, by their direction."""
        return {
            (*whose, direction): count
            for whose, line in self._lines.items()
            for direction, count in (("in", line.tokens_in), ("out", line.tokens_out))
        }

    def attempt_failed(self, call: "Call", failure: "Failure", *, retried: bool) -> None:
        """Do nothing: the call goes on."""

    def finished(self, call: "Call") -> None:
        """Enter an ended call."""
        grant = call.grant
        if grant is None:
            if call.failure is not None and challenged(call.failure):
                self._strangers[call.failure.kind.value] += 1
            return
        account = grant.account
        page = self._pages.get(account)
        if page is None or page.key is not account.key:
            page = self._opened(account)
        line, given = page.line, grant.given
        if call.end == OK:
            line.ok += 1
        else:
            result = _result(call, given=given)
            line.others[result] = line.others.get(result, 0) + 1
        if not given:
            return
        used, guard, money = measured(call), self._guard, 0.0
        tokens_in, tokens_out = used.tokens_in, used.tokens_out
        line.tokens_in += tokens_in
        line.tokens_out += tokens_out
        if guard.tariff is not None:
            each_in, each_out = guard.tariff[call.model]
            money = tokens_in * each_in + tokens_out * each_out
        if grant is not account.passed or not account.free:
            account.settled(grant, tokens_in + tokens_out, money, self._now(), guard.calendar)
        if self.kept:
            self._sums(page, call).add(used, money)

    def _opened(self, account: "Account") -> "_Page":
        """Return where calls of a key are entered from now on: it is new, or has been changed."""
        if len(self._pages) >= MAX_PAGES:
            self._pages.clear()
        key = account.key
        whose = (key.name, key.tenant or key.name)
        if whose not in self._lines and len(self._lines) >= MAX_KEYS:
            whose = (OTHER, OTHER)
        line = self._lines.setdefault(whose, _Line())
        page = self._pages[account] = _Page(key, line)
        return page

    def _sums(self, page: "_Page", call: "Call") -> "_Sums":
        model = call.model if call.backend is not None else ""
        day = self._guard.calendar.day.name
        if page.day != day:
            page.day, page.sums = day, {}
        sums = page.sums.get(model)
        return self._placed(page, model) if sums is None else sums

    def _placed(self, page: "_Page", model: str) -> "_Sums":
        """Return where to add; with a ledger out of reach for long, no more by the model."""
        key, unwritten = page.key, self._unwritten
        whose = (page.day, key.name, key.tenant or key.name)
        sums = unwritten.get((*whose, model))
        if sums is None:
            if len(unwritten) >= MAX_PLACES:
                return unwritten.setdefault((*whose, OTHER), _Sums())
            sums = unwritten[(*whose, model)] = _Sums()
        page.sums[model] = sums
        return sums

    @property
    def unwritten(self) -> int:
        """Return how many sums have not been handed out."""
        return len(self._unwritten)

    def written(self, most: int) -> list[Used]:
        """Hand out what has been used, the oldest first, so many sums at most."""
        unwritten = self._unwritten
        self._pages.clear()
        places = tuple(islice(unwritten, most))
        return [unwritten.pop(place).row(place) for place in places]


class _Line:
    """What metrics tell of one key."""

    __slots__ = ("ok", "others", "tokens_in", "tokens_out")

    def __init__(self) -> None:
        self.others: dict[str, int] = {}  # results but ok
        self.ok = self.tokens_in = self.tokens_out = 0

    def results(self) -> dict[str, int]:
        return {"ok": self.ok, **self.others} if self.ok else self.others


class _Page:
    """Where calls of one key are entered. `sums` are those of `day`, by model, not yet written."""

    __slots__ = ("day", "key", "line", "sums")

    def __init__(self, key: "Key", line: _Line) -> None:
        self.key = key
        self.line = line
        self.day = ""
        self.sums: dict[str, _Sums] = {}


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
    """Return failed, or the kind of a refusal by the guard."""
    return "failed" if given or call.failure is None else call.failure.kind.value
