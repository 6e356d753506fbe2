"""A side log's times find their events."""

from benchmarks.client.reading import Report
from benchmarks.client.sidelog import Told, apply, tags
from benchmarks.load.observed import Observed


def report(words: list[int], **more: object) -> Report:
    observed = Observed(index=0, received=[100] * len(words), **more)  # type: ignore[arg-type]
    return Report(observed=observed, words=words)


def test_times_stand_beside_the_events() -> None:
    one = report([1, 1, 1])
    apply(one, Told(taken_ns=5, emitted=[6, 7, 8]))

    assert (one.observed.taken_ns, one.observed.emitted) == (5, [6, 7, 8])
    assert (one.observed.lost, one.observed.duplicated) == (0, 0)


def test_what_did_not_arrive_is_lost_unless_it_was_not_waited_for() -> None:
    one, cancelled = report([1, 1]), report([1, 1], cancelled=True)
    for each in (one, cancelled):
        apply(each, Told(taken_ns=5, emitted=[6, 7, 8]))

    assert (one.observed.lost, one.observed.emitted) == (1, [])
    assert cancelled.observed.lost == 0


def test_merged_events_lose_nothing_and_doubled_ones_show() -> None:
    merged, doubled = report([2, 1]), report([1, 1, 1, 1])
    for each in (merged, doubled):
        apply(each, Told(taken_ns=5, emitted=[6, 7, 8]))

    assert (merged.observed.lost, merged.observed.emitted) == (0, [6, 8])
    assert doubled.observed.duplicated == 1


def test_an_engine_that_remembers_nothing_changes_nothing() -> None:
    one = report([1])
    apply(one, Told())

    assert one.observed == report([1]).observed


def test_each_request_has_a_tag_of_its_own() -> None:
    assert len({*tags(1, range(50)), *tags(2, range(50))}) == 100
