"""Dealing out and putting together."""

from benchmarks.client.dealing import deal, merge
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.measure.host import Cpu


def schedule(count: int, **more: object) -> Schedule:
    requests = tuple(
        Planned(at=float(at), input_tokens=at + 1, output_tokens=1) for at in range(count)
    )
    return Schedule(requests=requests, span=1.0, **more)  # type: ignore[arg-type]


def test_requests_are_dealt_in_turn() -> None:
    shares = deal(schedule(5), 2)

    assert [share.indices for share in shares] == [(0, 2, 4), (1, 3)]
    assert shares[1].requests()[3].input_tokens == 4


def test_a_session_stays_together() -> None:
    turns = tuple(
        Planned(input_tokens=1, output_tokens=1, session=at % 2, turn=at // 2) for at in range(6)
    )
    shares = deal(Schedule(requests=turns, span=1.0), 2)

    assert [share.indices for share in shares] == [(0, 2, 4), (1, 3, 5)]


def test_places_are_split_and_none_is_left_without() -> None:
    assert [share.schedule.concurrency for share in deal(schedule(9, concurrency=5), 2)] == [3, 2]
    assert [share.schedule.concurrency for share in deal(schedule(9, concurrency=1), 4)] == [1]
    assert len(deal(schedule(2), 4)) == 2
    assert len(deal(schedule(0), 4)) == 1


def test_parts_are_put_together() -> None:
    parts = [
        Trial(
            observed=[Observed(index=1)],
            began_ns=100,
            wall_ns=50,
            client=Cpu(ran_ns=1, waited_ns=2),
            longest_gc_ns=5,
        ),
        Trial(observed=[Observed(index=0)], began_ns=100, wall_ns=70, client=Cpu(ran_ns=3)),
    ]
    whole = merge(parts)

    assert [one.index for one in whole.observed] == [0, 1]
    assert (whole.began_ns, whole.wall_ns, whole.processes) == (100, 70, 2)
    assert whole.client == Cpu(ran_ns=4, waited_ns=2)
    assert whole.longest_gc_ns == 5
