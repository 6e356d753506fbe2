"""Which CPU does what."""

import os

import pytest

from benchmarks.method.pinning import Pins, of_words, pin, pinned_here, plan


@pytest.mark.parametrize(
    ("cpus", "subject", "client", "engines"),
    [
        ([3], set(), set(), set()),
        ([0, 1], {0}, {1}, {1}),
        ([0, 1, 2], {0}, {1}, {2}),
        ([5, 4, 7, 6], {4}, {5}, {6, 7}),
    ],
)
def test_the_subject_has_a_cpu_of_its_own(
    cpus: list[int], subject: set[int], client: set[int], engines: set[int]
) -> None:
    found = plan(cpus)

    assert (found.subject, found.client, found.engines) == (subject, client, engines)


def test_a_subject_of_several_workers_leaves_one_for_the_client() -> None:
    assert plan([0, 1, 2], subjects=8).subject == {0, 1}


def test_off_pins_nothing() -> None:
    assert of_words("off") == Pins()
    assert Pins().words() == "nothing pinned"


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="--pin takes auto or off, not 'maybe'"):
        of_words("maybe")


def test_pins_are_told() -> None:
    assert plan([0, 1]).words() == "proxies on CPU 0; client on CPU 1; engines on CPU 1"


def test_auto_uses_what_this_process_may_use() -> None:
    found = of_words("auto")

    assert found.subject | found.client | found.engines <= os.sched_getaffinity(0)


def test_this_process_is_pinned_inside_only() -> None:
    before = os.sched_getaffinity(0)
    one = frozenset({min(before)})

    with pinned_here(one):
        assert os.sched_getaffinity(0) == one
        pin([os.getpid()], frozenset(before))
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before


def test_no_pins_change_nothing() -> None:
    before = os.sched_getaffinity(0)

    with pinned_here(frozenset()):
        pin([os.getpid()], frozenset())

    assert os.sched_getaffinity(0) == before
