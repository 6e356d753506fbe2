"""Paces: who is slower than others, whatever the clients ask for."""

import random

import pytest

from proxy.core.backend import Backend
from proxy.core.paces import FRESH, Kind, Paces, share
from tests.fixtures.fleet import make_backend

GROUP = ("m", 0)
FIRST = (GROUP, Kind.FIRST)


def fed(slowness: dict[Backend, float], *, samples: int = 30, spread: float = 0.0) -> Paces:
    """Return figures of backends so many times slower than the first, for prompts of all sizes."""
    paces, luck = Paces(), random.Random(1)
    for number in range(samples):
        for backend, times in slowness.items():
            size = luck.randrange(1, 5)
            seconds = 0.01 * 2**size * times * luck.lognormvariate(0.0, spread)
            paces.note(backend, FIRST, size, seconds, number * 0.1)
    return paces


def test_slowness_is_against_the_median_of_the_others() -> None:
    a, b, c = (make_backend(name) for name in "abc")

    found = fed({a: 1.0, b: 1.0, c: 3.0}).compared(10, 3.0)

    assert found[a] < 1.0
    assert found[c] == pytest.approx(3.0, rel=0.2)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
def test_the_slow_one_is_found_among_any_number(count: int) -> None:
    fleet = [make_backend(f"b{n}") for n in range(count)]

    found = fed(dict.fromkeys(fleet, 1.0) | {fleet[-1]: 4.0}, spread=0.5).compared(10, 3.0)

    assert max(found, key=lambda each: found[each]) is fleet[-1]
    assert found[fleet[-1]] >= 2.0
    assert all(found[each] < 1.5 for each in fleet[:-1])


def test_prompts_of_other_sizes_make_nobody_slow() -> None:
    a, b = make_backend("a"), make_backend("b")
    paces = Paces()
    for number in range(40):
        for backend in (a, b):
            paces.note(backend, FIRST, 1, 0.01, number)
            paces.note(backend, FIRST, 12, 10.0, number)
    for number in range(40, 60):
        paces.note(a, FIRST, 1, 0.01, number)
        paces.note(b, FIRST, 12, 10.0, number)

    found = paces.compared(10, 60.0)

    assert found[a] == pytest.approx(1.0, abs=0.05)
    assert found[b] == pytest.approx(1.0, abs=0.05)


def test_the_worst_of_its_figures_counts() -> None:
    a, b = make_backend("a"), make_backend("b")
    paces = Paces()
    for number in range(20):
        for kind, times in ((Kind.FIRST, 1.0), (Kind.GAP, 3.0)):
            paces.note(a, (GROUP, kind), 1, 0.1, number)
            paces.note(b, (GROUP, kind), 1, 0.1 * times, number)

    assert paces.compared(10, 20.0)[b] == pytest.approx(3.0, abs=0.3)


def test_too_little_or_too_old_says_nothing() -> None:
    a, b = make_backend("a"), make_backend("b")

    assert fed({a: 1.0, b: 3.0}, samples=9).compared(10, 1.0) == {}
    assert fed({a: 1.0}).compared(10, 3.0) == {}
    paces = fed({a: 1.0, b: 3.0})
    assert paces.compared(10, 1.9 + FRESH)
    assert paces.compared(10, 2.1 + FRESH) == {}


def test_what_was_measured_before_a_break_is_forgotten() -> None:
    a, b = make_backend("a"), make_backend("b")
    paces = fed({a: 1.0, b: 3.0})

    for backend in (a, b):
        paces.note(backend, FIRST, 1, 0.02, 500.0)
    assert paces.compared(2, 500.0) == {}
    paces = fed({a: 1.0, b: 3.0})
    paces.forget(b)
    assert paces.compared(10, 3.0) == {}


def test_other_models_and_tiers_are_no_peers() -> None:
    a, b, c = (make_backend(name) for name in "abc")
    paces = Paces()
    for number in range(20):
        paces.note(a, FIRST, 1, 0.1, number)
        paces.note(b, (("other", 0), Kind.FIRST), 1, 1.0, number)
        paces.note(c, (("m", 1), Kind.FIRST), 1, 1.0, number)

    assert paces.compared(10, 20.0) == {}


def test_what_is_usual_is_known_for_all_sizes_together() -> None:
    a = make_backend("a")
    paces = Paces()
    assert paces.usual(GROUP, Kind.FIRST, 3) is None
    for number in range(3):
        paces.note(a, FIRST, 1 + number, 0.25, 1.0)

    assert paces.usual(GROUP, Kind.FIRST, 3) == pytest.approx(0.25)
    assert paces.usual(GROUP, Kind.FIRST, 4) is None
    paces.keep(frozenset())
    assert paces.usual(GROUP, Kind.FIRST, 3) is None
    assert paces.compared(1, 1.0) == {}


def test_a_time_of_nothing_is_a_time() -> None:
    a, b = make_backend("a"), make_backend("b")
    paces = Paces()
    for number in range(20):
        paces.note(a, FIRST, 1, 0.0, number)
        paces.note(b, FIRST, 1, 1000.0, number)

    assert paces.compared(10, 20.0)[b] > 16.0


@pytest.mark.parametrize(("slowness", "part"), [(0.3, 1.0), (1.4, 1.0), (2.0, 0.5), (4.0, 0.25)])
def test_who_is_slower_keeps_as_much_less(slowness: float, part: float) -> None:
    assert share(slowness) == part
