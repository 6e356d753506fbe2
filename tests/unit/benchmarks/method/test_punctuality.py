"""What is told about the punctuality of the load."""

from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.measure.host import Cpu
from benchmarks.method.punctuality import facts, note

OPEN = Schedule(requests=(), span=10.0)
CLOSED = Schedule(requests=(), span=10.0, concurrency=4)


def trial(*, first: bool) -> Trial:
    spent = Cpu(ran_ns=0, waited_ns=250_000_000)
    return Trial(observed=[], began_ns=0, wall_ns=10_000_000_000, client=spent, first=first)


def test_a_reader_learns_of_priority_waits_and_stolen_time() -> None:
    assert facts(trial(first=True), OPEN, 3.14) == {
        "client priority": "real-time",
        "client waited for a CPU": "0.25 s",
        "stolen by the hypervisor": "3.1 s",
    }


def test_without_permission_the_priority_is_ordinary() -> None:
    assert note(trial(first=False), OPEN, 0.0, cores=2) == (
        "client priority: ordinary; it waited 0.25 s for a CPU"
    )


def test_what_the_hypervisor_took_is_told_where_it_matters() -> None:
    assert "hypervisor" not in note(trial(first=True), OPEN, 0.3, cores=2)
    assert note(trial(first=True), OPEN, 4.0, cores=2).endswith(
        "; the hypervisor took 20% of the machine, which delays sends at any priority"
    )


def test_a_closed_loop_has_no_times_to_keep() -> None:
    assert note(trial(first=False), CLOSED, 4.0) == ""
    assert facts(trial(first=False), CLOSED, 0.0)["client priority"] == "ordinary (a closed loop)"
