"""Who may call: keys of clients, recognised once a connection, judged once a call.

    find    a head has been parsed: is this secret a key's? What is not is refused unread
    admit   a call is about to begin: the key still good, the model allowed, room in its limits
    finished    it has ended: its place is free. What it used is learnt later, by `flow/books`

The key of a head is remembered in its `Request`, together with the ring of keys it was found in; a
reload or a revocation makes another ring, so the next call of the connection looks anew, and one
that runs is left alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from proxy.core.account import Account, Calendar, Maker, Tally
from proxy.core.catalog import matches
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.headers import Field
from proxy.core.keys import Key, Ring, presented
from proxy.core.window import Window

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.flow.course import Request

MAX_ALLOWED: Final = 1024  # names of models remembered for a key
MAX_PRICED: Final = 4096  # models whose rates are remembered
Rates = tuple[float, float]  # of one token in, of one out


class Guard:
    """All keys in force and their accounts. Fulfils `flow.course.Guarding` and `Observer`.

    `calendar` is made anew about once a second. `away` is set while limits cannot be judged.
    """

    __slots__ = ("_tally", "accounts", "away", "calendar", "make", "ring", "tariff")

    def __init__(
        self, calendar: Calendar, make: Maker | None = None, tally: Tally | None = None
    ) -> None:
        self.make: Maker = make or _alone  # an allowance for a limit of a key
        self._tally = tally
        self.calendar = calendar
        self.ring = Ring(())
        self.accounts: dict[str, Account] = {}
        self.tariff: Tariff | None = None  # None: nothing has a price
        self.away = ""  # why keys with limits are refused

    def renew(self, keys: Iterable[Key]) -> None:
        """Let calls that begin from now on be judged by these keys."""
        self.ring = ring = Ring(keys)
        for name in self.accounts.keys() - ring.keys.keys():
            del self.accounts[name]
        for name, key in ring.keys.items():
            account = self.accounts.get(name)
            if account is None:
                self.accounts[name] = Account(key, self.make, self._tally)
            elif account.key != key:
                account.rekey(key)

    def share(self, make: Maker, tally: Tally) -> None:
        """Count every limit by what `make` makes and in `tally`; nobody has been served yet."""
        self.make, self._tally = make, tally
        self.accounts = {name: Account(one.key, make, tally) for name, one in self.accounts.items()}

    # who is it ---------------------------------------------------------------------------------

    def find(self, secret: bytes) -> tuple[Key, float | None] | Failure:
        """Return the key of a secret and until when it counts, or why it does not."""
        if not secret:
            return _unknown(Kind.NO_KEY, "this needs an API key, and the request has none")
        found = self.ring.find(secret)
        if found is None:
            return _unknown(Kind.BAD_KEY, "the API key is not known here")
        key, credential = found
        return self._expired(key, credential.expires_at) or (key, credential.expires_at)

    def permits(self, fields: Iterable[Field]) -> Callable[[str], bool]:
        """Return what tells which models the sender of these header fields may use."""
        found = self.find(presented(fields))
        return _none if isinstance(found, Failure) else found[0].may_use

    def _expired(self, key: Key, expires_at: float | None) -> Failure | None:
        if expires_at is None or expires_at > self.calendar.wall:
            return None
        return _unknown(Kind.OLD_KEY, f"the API key {key.name!r} has expired")

    # may it ------------------------------------------------------------------------------------

    def admit(self, call: "Call", request: "Request") -> Failure | None:
        """Let a call begin, or return why not. Its model and its estimated work are known."""
        known = request.known
        if known is not None and known[0] is self.ring and known[2] is None:
            account = known[1]  # as most: no further call for them
            call.grant = account.refused
        else:
            found = self._recognised(call, request)
            if isinstance(found, Failure):
                return found
            account = found
        key, later = account.key, call.priority
        if key.models and call.model not in account.allowed and not _may(account, call.model):
            detail = f"the key {key.name!r} may not use the model {call.model[:200]!r}"
            return _refused(Kind.FORBIDDEN_MODEL, detail)
        call.priority = key.priority + later if later > 0 else key.priority
        return self._given(account, call)

    def admit_passage(self, call: "Call", request: "Request", model: str) -> Failure | None:
        """Let begin what passes through unread. Its tokens cannot be known."""
        account = self._recognised(call, request)
        if isinstance(account, Failure):
            return account
        key = account.key
        if key.models and not (model and key.may_use(model)):
            what = f"the model {model[:200]!r}" if model else "paths that do not name their model"
            kind = Kind.FORBIDDEN_MODEL if model else Kind.FORBIDDEN
            return _refused(kind, f"the key {key.name!r} may not use {what}")
        return self._given(account, call)

    def _recognised(self, call: "Call", request: "Request") -> Account | Failure:
        """Note whose call it is, for its access line even if it is refused."""
        known = request.known
        if known is None or known[0] is not self.ring:
            found = self.find(request.secret)
            if isinstance(found, Failure):
                return found
            known = request.known = (self.ring, self.accounts[found[0].name], found[1])
        _, account, expires_at = known
        call.grant = account.refused
        return account if expires_at is None else self._expired(account.key, expires_at) or account

    def _given(self, account: Account, call: "Call") -> Failure | None:
        if account.free:
            account.running += 1
            call.grant = account.passed
            return None
        key = account.key
        if self.away and _counted_together(key):
            return Failure(
                kind=Kind.LIMITS_AWAY,
                origin=Origin.PROXY,
                phase=Phase.READ,
                detail=f"the limits of the key {key.name!r} cannot be judged: {self.away}",
                retry_after=1.0,
            )
        tokens_in, tokens_out, money = call.prompt_work, call.output_work, 0.0
        if self.tariff is not None and key.budget_money is not None:
            each_in, each_out = self.tariff[call.model]
            money = tokens_in * each_in + tokens_out * each_out
        found = account.admit(call.received_at, tokens_in + tokens_out, money, self.calendar)
        if isinstance(found, Failure):
            return found
        call.grant = found
        return None

    # the end -----------------------------------------------------------------------------------

    def attempt_failed(self, call: "Call", failure: Failure, *, retried: bool) -> None:
        """Do nothing: the call goes on."""

    def finished(self, call: "Call") -> None:
        """Free the place of a call, at once."""
        grant = call.grant
        if grant is not None and grant.given:
            grant.account.released(grant)


def _counted_together(key: Key) -> bool:
    limits = (key.requests_per_minute, key.tokens_per_minute, key.concurrency)
    return limits != (None, None, None)


def _may(account: Account, model: str) -> bool:
    allowed = account.key.may_use(model)
    if allowed and len(account.allowed) < MAX_ALLOWED:
        account.allowed.add(model)
    return allowed


_CHALLENGED: Final = frozenset({Kind.NO_KEY, Kind.BAD_KEY, Kind.OLD_KEY})


def challenged(failure: Failure) -> bool:
    """Tell whether a request was refused because nobody known has sent it."""
    return failure.kind in _CHALLENGED


class Tariff(dict[str, Rates]):
    """What a token in and one out of each model cost: by exact name, else by the first pattern.

    A look-up is all that a call of a known model costs; of others, `MAX_PRICED` are remembered.
    """

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, Rates]) -> None:
        super().__init__()
        self._table = dict(table)

    def __missing__(self, model: str) -> Rates:
        table = self._table
        found = table.get(model)
        if found is None:
            fitting = (rates for pattern, rates in table.items() if matches(pattern, model))
            found = next(fitting, (0.0, 0.0))
        if len(self) >= MAX_PRICED:
            self.clear()
        self[model] = found
        return found


def _alone(_kind: str, _name: str, limit: float) -> Window:
    return Window(limit)


def _none(_model: str) -> bool:
    return False


def _unknown(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)


def _refused(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail, param="model")
