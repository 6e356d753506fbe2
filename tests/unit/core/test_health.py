"""Health: what checks and suspicion change, and when the next check is due."""

import pytest

from proxy.core.health import Health, Policy, State


def ready(now: float = 0.0, policy: Policy | None = None) -> Health:
    health = Health(policy or Policy())
    while not health.ready:
        health.probed(True, now, "ok")
    return health


def down(now: float = 0.0) -> Health:
    health = ready(now)
    health.probed(False, now, "refused")
    health.probed(False, now, "refused")
    assert health.state is State.DOWN
    return health


def test_a_new_backend_is_unknown_and_checked_at_once() -> None:
    health = Health(Policy())

    assert health.state is State.UNKNOWN
    assert not health.ready
    assert health.next_probe_at == 0.0


def test_one_good_check_makes_it_ready() -> None:
    health = Health(Policy())

    assert health.probed(True, 3.0, "200")

    assert health.ready
    assert health.since == 3.0
    assert health.reason == "200"


def test_failing_before_it_was_ever_ready_is_starting() -> None:
    health = Health(Policy())

    for now in range(5):
        assert not health.probed(False, now, "loading")

    assert health.state is State.STARTING
    assert health.since == 0.0


def test_two_failures_in_a_row_take_it_down() -> None:
    health = ready()

    assert not health.probed(False, 5.0, "timeout")
    assert (health.state, health.ready) == (State.FAILING, True)
    assert health.probed(False, 6.0, "timeout")

    assert health.state is State.DOWN
    assert not health.ready
    assert health.reason == "timeout"


def test_a_good_check_between_them_starts_the_count_over() -> None:
    health = ready()

    for now in range(20):
        health.probed(now % 2 == 0, float(now), "")

    assert health.ready


def test_one_good_check_brings_it_back_and_the_recovery_is_dated() -> None:
    health = down()

    assert health.probed(True, 9.0, "ok")

    assert health.ready
    assert health.recovered_at == 9.0


def test_becoming_ready_for_the_first_time_is_no_recovery() -> None:
    health = Health(Policy())
    health.probed(False, 1.0, "loading")

    health.probed(True, 2.0, "ok")

    assert health.recovered_at < 0.0


def test_rise_asks_for_several_good_checks() -> None:
    health = Health(Policy(rise=3))

    assert [health.probed(True, now, "") for now in range(3)] == [False, False, True]


@pytest.mark.parametrize(("jitter", "due"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_a_ready_backend_is_checked_every_five_seconds_or_so(jitter: float, due: float) -> None:
    health = Health(Policy(), lambda: jitter)

    health.probed(True, 0.0, "")

    assert health.next_probe_at == due


@pytest.mark.parametrize("failures", [1, 2, 50])
def test_one_that_is_not_well_is_checked_every_second(failures: int) -> None:
    health = ready()

    for _ in range(failures):
        health.probed(False, 7.0, "")

    assert health.next_probe_at == 8.0


def test_a_check_that_could_not_be_made_changes_nothing_and_is_made_up_for() -> None:
    health = ready()
    health.suspect(1.0)

    for now in (1.0, 2.0, 3.0):
        health.unasked(now)

    assert health.state is State.FAILING
    assert health.next_probe_at == 4.0


def test_a_suspicion_brings_the_check_forward_and_keeps_it_in_use() -> None:
    health = ready()

    health.suspect(2.0, "reset")

    assert health.next_probe_at == 2.0
    assert health.state is State.FAILING
    assert health.ready
    assert health.reason == "reset"


def test_a_suspicion_counts_as_the_first_failure() -> None:
    health = ready()
    health.suspect(2.0)

    health.probed(False, 2.1, "refused")

    assert health.state is State.DOWN


@pytest.mark.parametrize("fall", [1, 2, 3])
def test_suspicion_alone_never_takes_it_down(fall: int) -> None:
    health = ready(policy=Policy(fall=fall))

    for _ in range(100):
        health.suspect(2.0)

    assert health.ready


def test_a_good_check_clears_the_suspicion() -> None:
    health = ready()
    health.suspect(2.0)

    health.probed(True, 2.1, "ok")
    health.probed(False, 7.0, "timeout")

    assert health.state is State.FAILING


def test_many_suspicions_do_not_make_a_storm_of_checks() -> None:
    health = ready()
    health.probed(True, 4.0, "ok")

    health.suspect(4.01)
    health.suspect(4.02)

    assert health.next_probe_at == 4.25


def test_a_suspicion_never_puts_a_check_off() -> None:
    health = down(4.0)
    due = health.next_probe_at

    health.suspect(due + 10.0)

    assert health.next_probe_at == due


def test_a_drained_backend_is_out_of_use_whatever_checks_say() -> None:
    health = ready()
    health.drain(1.0, "going away")

    for now in range(2, 6):
        health.probed(now % 2 == 0, float(now), "check")
        health.suspect(float(now))

    assert health.state is State.DRAINING
    assert not health.ready
    assert health.reason == "going away"
    assert health.next_probe_at > 5.0


def test_a_resumed_backend_is_used_after_its_next_good_check() -> None:
    health = ready()
    health.drain(1.0)

    health.resume(3.0)
    assert health.state is State.UNKNOWN
    assert health.next_probe_at == 3.0
    health.probed(True, 3.0, "ok")

    assert health.ready


def test_resuming_what_does_not_drain_changes_nothing() -> None:
    health = ready()
    due = health.next_probe_at

    health.resume(1.0)

    assert health.state is State.READY
    assert health.next_probe_at == due


def test_changes_are_announced_and_nothing_else() -> None:
    health = Health(Policy())
    seen: list[State] = []
    health.on_change = lambda: seen.append(health.state)

    for ok in (True, True, False, False, False, True):
        health.probed(ok, 1.0, "")

    assert seen == [State.READY, State.FAILING, State.DOWN, State.READY]


def test_repr_shows_state_and_reason() -> None:
    assert "down" in repr(down())
    assert "refused" in repr(down())
