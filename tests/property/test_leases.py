"""Leases: whatever happens in whatever order, what was taken is given back, once."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.core.backend import Lease
from tests.fixtures.fleet import make_backend

WORK = st.floats(0.0, 1e6)


class Leases(RuleBasedStateMachine):
    """Compares the running account with one added up afresh."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.backend = make_backend(cap=5)
        self.held: dict[Lease, list[float]] = {}
        self.gone: list[Lease] = []

    @rule(seconds=st.floats(0.0, 20.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.backend.available(self.now)

    @rule(prompt=WORK, output=WORK)
    def take(self, prompt: float, output: float) -> None:
        self.held[self.backend.lease(prompt, output, self.now)] = [prompt, output]

    @rule(data=st.data())
    def first_token(self, data: st.DataObject) -> None:
        if self.held:
            lease = data.draw(st.sampled_from(list(self.held)))
            lease.first_token()
            self.held[lease][0] = 0.0

    @rule(data=st.data(), ending=st.sampled_from(["good", "bad", "refused", "full", "left"]))
    def end(self, data: st.DataObject, ending: str) -> None:
        if not self.held:
            return
        lease = data.draw(st.sampled_from(list(self.held)))
        del self.held[lease]
        self.gone.append(lease)
        breaker = self.backend.breaker
        lease.release()
        if ending == "good":
            breaker.succeeded(lease.token, self.now)
        elif ending == "left":
            breaker.abandoned(lease.token, self.now)
        else:
            breaker.failed(lease.token, self.now, hard=ending == "refused", soft=ending == "full")
            self.backend.penalise(None, self.now)

    @rule(data=st.data())
    def end_again(self, data: st.DataObject) -> None:
        if self.gone:
            lease = data.draw(st.sampled_from(self.gone))
            lease.first_token()
            lease.release()

    @invariant()
    def the_account_is_right(self) -> None:
        backend = self.backend
        assert backend.in_flight == len(self.held)
        assert backend.total_leases - backend.total_releases == len(self.held)
        due = sum(sum(shares) for shares in self.held.values())
        assert abs(backend.work - due) <= 1e-6 * max(1.0, due) + 1e-3
        if not self.held:
            assert backend.work == 0.0

    @invariant()
    def the_flag_never_lies(self) -> None:
        backend = self.backend
        if backend.settled:
            assert backend.health.ready
            assert backend.breaker.closed
        assert backend.penalty >= 0.0
        assert backend.weight * 0.1 <= backend.pull <= backend.weight
        assert 1 <= backend.room <= 5


TestLeases = Leases.TestCase
