"""One inference engine behind the proxy: who it is, how busy it is, whether it may be used.

Theory. Load is counted here, at dispatch, and given back exactly once per lease: the prompt's share
at the first token (prefill is over), the rest when the call ends. Nothing of that is polled, so the
figure is never stale. Four things bend it for a while: a penalty (virtual work after a failure, so
that failing fast does not look like being idle), requests of others that the engine tells of, slow
start after a recovery, and the breaker's probe. The first two are one figure, `penalty`.

They depend on time, and selection cannot afford to work them out for every candidate of every
request. So `settled` says "nothing bends this backend": usable, closed, no penalty, full speed.
Whatever disturbs it clears the flag; `available` works everything out and sets it again when the
disturbance is over. While it is set, `penalty`, `pull` and `room` hold by themselves.
"""

from math import inf

from typing_extensions import override

from proxy.core import health as healths
from proxy.core import standing, warming
from proxy.core.breaker import Breaker
from proxy.core.health import Health
from proxy.core.reported import Reported

PENALTY = 5.0  # seconds, when a failing engine does not say how long to wait
STATED_PENALTY = (1.0, 300.0)  # seconds believed of a Retry-After, at least and at most
MAX_GROWN_PENALTY = 60.0  # seconds to which repeated failure extends a penalty
_MAX_DOUBLINGS = 24  # 16 million typical requests: outweighs any real load
_TYPICAL_RATE = 0.05  # weight of the newest request in the running mean of their work
_FIRST_GUESS = 512.0  # tokens of a typical request before the first one was seen


class Lease:
    """One request's place at a backend. `token` is the breaker's, for its verdict."""

    __slots__ = ("_open", "_prompt", "_rest", "_since", "backend", "token")

    def __init__(
        self, backend: "Backend", prompt_work: float, output_work: float, now: float
    ) -> None:
        self.backend = backend
        self.token = backend.breaker.admit(now)
        self._prompt = prompt_work
        self._rest = output_work
        self._since = now
        self._open = True

    def first_token(self) -> None:
        """Give back the prompt's share: prefill is over. Calls after the first change nothing."""
        if self._open:
            self.backend.work -= self._prompt
            self._prompt = 0.0

    def release(self) -> None:
        """Give back the place and what is left of the work. Calls after the first change nothing.

        A probe that ends without a verdict frees its place; the verdict may also come later.
        """
        if not self._open:
            return
        self._open = False
        backend = self.backend
        backend.total_releases += 1
        backend.in_flight -= 1
        if backend.in_flight:
            backend.work -= self._prompt + self._rest
        else:
            backend.work = 0.0  # exactly: rounding errors do not pile up over days
        if not backend.breaker.closed:
            backend.breaker.abandoned(self.token, self._since)

    @override
    def __repr__(self) -> str:
        """Show what is still held."""
        held = f"{self._prompt + self._rest:.0f} tokens" if self._open else "released"
        return f"<Lease {self.backend.name} {held} token={self.token}>"


class Backend:
    """One engine. Compared and hashed by identity.

    `weight` is its share of the work, relative to the others'. `priority` is its tier: lower is
    used first. `cap` is the configured limit of requests in flight and `learned_cap` the engine's
    own, None when there is none; the configured one wins. `kind` is the engine type's name, empty
    until known. `in_flight` and `work` (estimated tokens) are what leases hold now. `turn` is the
    round-robin policy's mark. `reported` is what the engine last said of itself, None if nothing.
    `warming` is how many seconds its slow start takes. `standing` is what is thought of it beside
    health and breaker, `aside` that others go before it, `slowness` how many times slower than its
    peers it is. `signs` counts streams seen to go on, less the calls that ended badly.
    """

    __slots__ = (
        "_back_at",
        "_cap",
        "_foreign",
        "_foreign_seen",
        "_handicap",
        "_learned_cap",
        "_penalty_from",
        "_penalty_until",
        "_penalty_work",
        "_rounds",
        "_typical",
        "aside",
        "breaker",
        "health",
        "in_flight",
        "kind",
        "name",
        "penalty",
        "priority",
        "pull",
        "reported",
        "room",
        "settled",
        "signs",
        "slowness",
        "standing",
        "total_leases",
        "total_releases",
        "turn",
        "url",
        "warming",
        "weight",
        "work",
    )

    lease_type = Lease

    def __init__(  # noqa: PLR0913 - a backend's settings, most of them optional
        self,
        name: str,
        url: str,
        *,
        breaker: Breaker,
        health: Health,
        weight: float = 1.0,
        priority: int = 0,
        cap: int | None = None,
    ) -> None:
        self.name = name
        self.url = url
        self.kind = ""
        self.weight = weight
        self.priority = priority
        self.breaker = breaker
        self.health = health
        self.in_flight = 0
        self.work = 0.0
        self.total_leases = 0
        self.total_releases = 0
        self.turn = 0.0
        self._cap = cap
        self._learned_cap: int | None = None
        self.reported: Reported | None = None
        self._foreign = self._foreign_seen = 0  # requests of others: believed, and in the last look
        self._typical = _FIRST_GUESS
        self._rounds = 0
        self.warming = warming.SLOW_START
        self.standing = standing.State.GOOD
        self.aside = False
        self.slowness = 1.0
        self.signs = 0
        self._handicap = 1.0
        self._back_at = -inf  # when it was last passed over no more
        self._penalty_work = 0.0
        self._penalty_from = -inf
        self._penalty_until = -inf
        # In force since `available` was last asked.
        self.settled = False
        self.penalty = 0.0
        self.pull = weight
        self.room = inf if cap is None else cap
        breaker.on_change = self._breaker_changed
        health.on_change = self._health_changed

    # -- may it be used? ----------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        """Tell whether it was ordered out of use."""
        return self.health.state is healths.State.DRAINING

    def drain(self, now: float, reason: str = "draining") -> None:
        """Give it no new requests; those that run are left alone."""
        self.health.drain(now, reason)

    def resume(self, now: float) -> None:
        """End a drain; it is used again after its next good check."""
        self.health.resume(now)

    def available(self, now: float) -> bool:
        """Tell whether a request may go there, room aside; brings the figures up to `now`."""
        if self.settled:
            return True
        self._weigh(now)
        usable = self.health.ready and self.breaker.allows(now)
        self.settled = (
            usable
            and self.breaker.closed
            and now >= self._recovered_at + self.warming
            and now >= self._penalty_until
        )
        return usable

    def judge(self, state: standing.State, slowness: float, share: float, now: float) -> None:
        """Let it be used as it stands, with this share of its weight; see `core/standing`."""
        handicap = share * standing.REST.get(state, 1.0)
        aside = state in standing.PASSED_OVER
        if self.aside and not aside:
            self._back_at = now
        self.standing, self.slowness, self.aside = state, slowness, aside
        if handicap != self._handicap:
            self._handicap = handicap
            self.settled = False

    @property
    def effective_cap(self) -> int | None:
        """Return the limit of requests in flight now in force; None = no limit."""
        return None if self.room == inf else int(self.room)

    @property
    def has_room(self) -> bool:
        """Tell whether one more request stays within the cap."""
        return self.in_flight < self.room

    @property
    def cap(self) -> int | None:
        """Return the configured limit of requests in flight."""
        return self._cap

    def rank(self, *, weight: float, priority: int, cap: int | None) -> None:
        """Give it another share, tier and limit; what runs there is left alone.

        A new tier holds from the next catalog on, which puts its candidates in order.
        """
        self.weight, self.priority, self._cap = weight, priority, cap
        self.pull, self.room = weight, self._full_room
        self.settled = False

    @property
    def learned_cap(self) -> int | None:
        """Return the limit the engine itself has stated."""
        return self._learned_cap

    @learned_cap.setter
    def learned_cap(self, cap: int | None) -> None:
        if cap != self._learned_cap:
            self._learned_cap = cap
            self.room = self._full_room
            self.settled = False

    @property
    def life(self) -> int:
        """Return a number that grows with each sign of life: a good end, a stream that goes on."""
        return self.total_releases + self.signs

    # -- how busy is it? ----------------------------------------------------------------------

    def lease(self, prompt_work: float, output_work: float, now: float) -> Lease:
        """Take a place for one request of so many estimated tokens. It must be released."""
        mine = prompt_work + output_work
        self.in_flight += 1
        self.work += mine
        self.total_leases += 1
        self._typical += (mine - self._typical) * _TYPICAL_RATE
        return self.lease_type(self, prompt_work, output_work, now)

    def load(self, now: float) -> float:
        """Return the work in flight plus the penalty, in estimated tokens."""
        self.available(now)
        return self.work + self.penalty

    def penalise(self, seconds: float | None, now: float) -> None:
        """Add virtual work after a failure, for `seconds` (its Retry-After) or, on None, for 5 s.

        The amount starts at four typical requests and doubles with every bad result since the last
        good one (the breaker counts them: tell it first), so a backend that keeps failing outweighs
        any load after a few requests. In such a run a penalty that follows an expired one lasts
        twice as long. It fades evenly to nothing.
        """
        if self.breaker.run <= 1:
            self._rounds = 0
        elif now >= self._penalty_until:
            self._rounds = min(self._rounds + 1, _MAX_DOUBLINGS)
        least, most = STATED_PENALTY
        base = PENALTY if seconds is None else min(max(seconds, least), most)
        grown = min(base * 2.0**self._rounds, MAX_GROWN_PENALTY)
        doublings = min(self.breaker.run + 1, _MAX_DOUBLINGS)
        self._penalty_work = self._typical * 2.0**doublings
        self._penalty_from = now
        self._penalty_until = max(self._penalty_until, now + max(base, grown))
        self.settled = False

    def penalised(self, now: float) -> bool:
        """Tell whether a failure counts against it still."""
        return now < self._penalty_until

    def heard(self, said: Reported | None, own: int) -> None:
        """Take in what the engine says of its load, with at most `own` requests of ours there.

        What is above that is the work of others and counts as so many typical requests. Of two
        looks in a row the lower number is believed: a single one may have met requests of ours
        that had just ended. None = it says nothing (any more), and counts nothing.
        """
        self.reported = said
        requests = said.requests if said is not None else None
        seen = 0 if requests is None else max(0, requests - own)
        believed, self._foreign_seen = min(seen, self._foreign_seen), seen
        if believed or self._foreign:
            self.settled = False
        self._foreign = believed

    # -- what bends the figures ---------------------------------------------------------------

    @property
    def _full_room(self) -> float:
        cap = self._learned_cap if self._cap is None else self._cap
        return inf if cap is None else cap

    @property
    def _recovered_at(self) -> float:
        return max(self.health.recovered_at, self.breaker.recovered_at, self._back_at)

    def slow_start(self, now: float) -> float:
        """Return the share of its weight and cap it has at `now`: 0.1 at recovery, 1 when warm."""
        return warming.share(now - self._recovered_at, self.warming)

    def _weigh(self, now: float) -> None:
        factor = self.slow_start(now)
        self.penalty = self._faded(now) + self._others()
        self.room = warming.room(self._full_room, factor, now - self._recovered_at)
        # One request at a time is no flood: an idle backend that warms up competes at full weight.
        # Without this a quiet site would not touch it for half a minute.
        self.pull = self.weight * self._handicap
        if self.in_flight:
            self.pull *= factor

    def _faded(self, now: float) -> float:
        left = self._penalty_until - now
        if left <= 0.0 or not self.breaker.closed:
            return 0.0  # an open breaker rations by itself; its probe must not be outbid
        return self._penalty_work * left / (self._penalty_until - self._penalty_from)

    def _others(self) -> float:
        # As above: an open breaker rations by itself.
        return self._foreign * self._typical if self.breaker.closed else 0.0

    def _breaker_changed(self) -> None:
        self.settled = False
        if self.breaker.closed:
            self._forgive()

    def _health_changed(self) -> None:
        self.settled = False
        if self.health.recovered_at == self.health.since:
            self.breaker.recovered(self.health.since)
            self._forgive()

    def _forgive(self) -> None:
        self._penalty_until = -inf
        self._rounds = 0

    @override
    def __repr__(self) -> str:
        """Show what selection sees."""
        return (
            f"<Backend {self.name} {self.health.state.value} {self.breaker!r}"
            f" in_flight={self.in_flight} work={self.work:.0f} room={self.room}>"
        )
