"""The referee: what it measures, and whom it lets be passed over."""

import pytest

from proxy.core.backend import Backend
from proxy.core.standing import Policy, Standing, State
from proxy.flow.deadlines import progressed
from proxy.flow.referee import SPACING, Referee
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, FakeClient, chunk, stream, token


class Court:
    """A world of backends of one tier, and who judges them."""

    def __init__(self, names: str = "ab", policy: Policy | None = None) -> None:
        self.world = World(names)
        for backend in self.world.backends.values():
            backend.priority = 0
        course = self.world.course
        self.referee = Referee(course, policy or Policy(samples=3, silence=5.0))
        self.told: list[tuple[str, State]] = []
        self.referee.on_change = self._hear
        course.observers = (*course.observers, self.referee)
        self.referee.know()

    def _hear(self, backend: Backend, standing: Standing) -> None:
        self.told.append((backend.name, standing.state))

    def __getitem__(self, name: str) -> Backend:
        return self.world.backends[name]

    def serve(self, name: str, seconds: float, times: int = 1, *, pieces: int = 1) -> None:
        """Let a backend serve calls that take so long to their first token."""
        for _ in range(times):
            client = self.world.ask(pin=name)
            engine = self.world.pools[name].ends[-1] if client.call.dispatched_at else None
            engine = engine or self.world.reached(name)
            self.world.time += seconds
            engine.send(stream(*[token(str(n)) for n in range(pieces)]))
            assert client.end == "--"

    def look(self, seconds: float = 1.0) -> None:
        """Let time pass, with a look each second."""
        for _ in range(round(seconds)):
            self.world.pass_time(1.0)
            self.referee.look(self.world.time)

    def waiting(self, name: str) -> FakeClient:
        client = self.world.ask(pin=name)
        if not client.call.dispatched_at:
            self.world.reached(name)
        return client


def test_one_that_is_three_times_slower_is_passed_over_and_gets_less() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)

    court.look()

    assert (court["a"].standing, court["b"].standing) == (State.SLOW, State.GOOD)
    assert court["a"].slowness == pytest.approx(4.0, rel=0.2)
    assert court.told == [("a", State.SLOW)]
    for _ in range(4):
        court.world.ask()
    assert (court["a"].in_flight, court["b"].in_flight) == (0, 4)


def test_one_a_little_slower_keeps_its_place_with_a_smaller_share() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.2)
        court.serve("b", 0.1)

    court.look()

    assert court["a"].available(court.world.time)
    assert court["a"].standing is State.GOOD
    assert court["a"].pull == pytest.approx(0.5, rel=0.1)
    assert court["b"].pull == 1.0


def test_who_is_passed_over_serves_when_nobody_else_can() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)
    court.look()

    court["b"].drain(court.world.time)

    assert court.world.ask().call.backend is court["a"]


def test_after_the_hold_comes_a_trial_and_then_good_standing() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)
    court.look(14)
    assert court.told[-1] == ("a", State.TRIAL)
    assert court["a"].slow_start(court.world.time) < 1.0

    for _ in range(6):
        court.serve("a", 0.1)
        court.serve("b", 0.1)
    court.look()

    assert court.told == [("a", State.SLOW), ("a", State.TRIAL), ("a", State.GOOD)]


def test_a_trial_without_complaint_ends_well_even_if_nobody_calls() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)

    court.look(80)

    assert court.told[-1] == ("a", State.GOOD)


def test_never_are_more_than_the_share_passed_over() -> None:
    court = Court("abcd", Policy(samples=3, share=0.5, factor=1.5))
    for _ in range(6):
        for name, seconds in (("a", 8.0), ("b", 4.0), ("c", 2.0), ("d", 0.1)):
            court.serve(name, seconds)

    court.look()

    assert sum(court[name].aside for name in "abcd") == 2
    assert not court["d"].aside


def test_the_last_one_that_is_there_is_not_passed_over() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)
    court["b"].drain(court.world.time)

    court.look()

    assert not court["a"].aside


def test_streams_that_all_fall_silent_send_others_elsewhere_at_once() -> None:
    court = Court()
    client, engine = court.world.ask(pin="a"), court.world.reached("a")
    engine.send(SSE + chunk(token()))

    court.look(4)
    assert not court["a"].aside
    court.look(4)

    assert court["a"].standing is State.SILENT
    assert court.world.suspects == [court["a"]]
    assert not client.end
    assert court.world.ask().call.backend is court["b"]


def test_a_stream_that_goes_on_is_a_sign_of_life() -> None:
    court = Court()
    court.world.ask(pin="a")
    engine = court.world.reached("a")
    engine.send(SSE + chunk(token()))

    for _ in range(10):
        court.look(2)
        engine.send(chunk(token()))

    assert not court["a"].aside


def test_streams_that_begin_and_then_stall_are_no_sign_of_life() -> None:
    court = Court()
    for _ in range(9):
        client = court.world.ask(pin="a")
        engine = court.world.pools["a"].dials[-1].connect()
        engine.send(SSE + chunk(token()) + chunk(token()))
        court.look()
        assert not client.end

    assert court["a"].standing is State.SILENT


def test_a_client_that_does_not_read_says_nothing_about_its_engine() -> None:
    court = Court()
    client = court.world.ask(pin="a")
    court.world.reached("a").send(SSE + chunk(token()))
    assert client.attempts is not None
    client.attempts.client_paused()

    court.look(20)

    assert not court["a"].aside


def test_calls_that_end_badly_are_no_sign_of_life() -> None:
    court = Court()
    client = court.world.ask(pin="a")
    court.world.reached("a").send(SSE + chunk(token()))

    for _ in range(8):
        leaving = court.waiting("a")
        assert leaving.attempts is not None
        leaving.attempts.client_gone()
        court.look()

    assert court["a"].aside
    assert not client.end


@pytest.mark.parametrize("idle", [0.0, 120.0])
def test_an_answer_that_is_gathered_is_alive_while_pieces_come(idle: float) -> None:
    court = Court()
    court.world.timeouts = Timeouts(idle=idle)
    attempts = court.waiting("a").attempts
    assert attempts is not None

    for _ in range(10):
        progressed(attempts)
        court.look(2)
    assert not court["a"].aside
    court.look(8)

    assert court["a"].aside is bool(idle)  # without the timeout nobody keeps when the last came


@pytest.mark.parametrize(("calls", "found"), [(1, False), (2, True)])
def test_a_queue_that_grows_without_a_token_is_a_bad_sign(calls: int, found: bool) -> None:
    court = Court()
    court.serve("a", 0.1, 3)
    for _ in range(calls):
        court.waiting("a")
        court.look()

    court.look(6)

    assert court["a"].aside is found


def test_what_falls_silent_again_on_trial_is_held_for_longer() -> None:
    court = Court()
    court.world.ask(pin="a")
    court.world.reached("a").send(SSE + chunk(token()))

    court.look(40)

    assert court.told == [("a", State.SILENT)] * 3
    assert ("a", State.SILENT, 3) in [(b.name, why, n) for b, why, n in court.referee.counts()]


def test_one_outage_is_forgiven_and_the_second_is_not() -> None:
    court = Court()
    for _ in range(2):
        for ok in (False, False, True):
            court["a"].health.probed(ok, court.world.time, "")
            court.look(2)

    assert court.told == [("a", State.UNSTEADY)]
    court.look(2)
    assert court.told[-1] == ("a", State.TRIAL)


def test_each_rule_can_be_switched_off() -> None:
    court = Court(policy=Policy(samples=3, factor=0.0, silence=0.0, flapping=0.0))
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)
    court.world.ask(pin="a")
    for ok in (False, False, True) * 2:
        court["a"].health.probed(ok, court.world.time, "")
        court.look(10)

    assert court.told == []
    court.referee.follow(Policy(samples=3))
    for _ in range(6):
        court.serve("b", 0.1)
    court.look()
    assert court["b"].standing is State.GOOD


def test_who_has_no_peer_is_not_judged() -> None:
    court = Court("a")
    court.world.ask(pin="a")
    court.world.reached("a").send(SSE + chunk(token()))

    court.look(60)

    assert court.told == []
    assert court.referee.counts() == []


def test_who_loses_its_peers_is_in_good_standing() -> None:
    court = Court()
    for _ in range(6):
        court.serve("a", 0.4)
        court.serve("b", 0.1)
    court.look()
    assert court["a"].aside

    court["b"].priority = 1
    court.referee.know()

    assert court["a"].standing is State.GOOD
    assert court["a"].slowness == 1.0


def test_few_calls_are_measured_however_many_there_are() -> None:
    court = Court(policy=Policy(samples=10))
    for _ in range(50):
        court.serve("a", SPACING / 10)
        court.serve("b", SPACING / 50)

    court.look()

    assert court["a"].standing is State.GOOD
    assert [state for _, state, count in court.referee.counts() if count] == []
