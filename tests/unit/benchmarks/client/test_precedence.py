"""Before others while it lasts, as before afterwards, and never against the system's will."""

import os

import pytest

from benchmarks.client.precedence import precedence, spare


class Scheduler:
    """Notes what policy is asked for, and may forbid it."""

    def __init__(self, *, allows: bool = True) -> None:
        self.asked: list[tuple[int, int]] = []
        self.allows = allows

    def __call__(self, _process: int, policy: int, param: os.sched_param) -> None:
        self.asked.append((policy, param.sched_priority))
        if not self.allows:
            raise PermissionError


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    made = Scheduler()
    monkeypatch.setattr(os, "sched_setscheduler", made)
    return made


def test_it_goes_first_inside_only(scheduler: Scheduler) -> None:
    with precedence(wanted=True) as first:
        assert first
        assert scheduler.asked == [(os.SCHED_FIFO, 1)]
    assert scheduler.asked[1:] == [(os.SCHED_OTHER, 0)]


def test_a_load_that_breaks_off_gives_it_back(scheduler: Scheduler) -> None:
    with pytest.raises(ZeroDivisionError), precedence(wanted=True):
        raise ZeroDivisionError
    assert scheduler.asked[-1] == (os.SCHED_OTHER, 0)


def test_without_permission_all_stays_as_it_is(scheduler: Scheduler) -> None:
    scheduler.allows = False
    with precedence(wanted=True) as first:
        assert not first
    assert len(scheduler.asked) == 1


def test_nothing_is_asked_for_unless_it_is_wanted(scheduler: Scheduler) -> None:
    with precedence(wanted=False) as first:
        assert not first
    assert scheduler.asked == []


def test_one_core_must_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert [spare(count) for count in (1, 2, 3)] == [True, False, False]
