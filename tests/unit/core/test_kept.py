"""Which free places are kept for whom, for how long, and what is counted at all."""

import math
import random

import pytest

from proxy.core.kept import LATELY, MOST, Kept, Visit

KEEP = 2.0
PLACES = 8


@pytest.fixture
def kept() -> Kept:
    fresh = Kept(KEEP)
    fresh.wait(0.0)
    return fresh


def running(kept: Kept, whose: str, times: int, now: float = 0.0) -> list[Visit]:
    """Return the requests of a tenant that run since `now`."""
    visits = []
    for _ in range(times):
        visit = kept.visit(whose, now)
        assert visit is not None
        visit.place()
        visits.append(visit)
    return visits


def test_places_stay_free_for_who_has_just_left_them(kept: Kept) -> None:
    running(kept, "loud", 4)
    quiet = running(kept, "quiet", 4)
    for visit in quiet:
        visit.end(1.0)

    assert kept.withheld("loud", 4, 1.001)
    assert not kept.withheld("quiet", 4, 1.001)


def test_who_is_gone_is_forgotten_within_seconds(kept: Kept) -> None:
    running(kept, "loud", 4)
    for visit in running(kept, "quiet", 4):
        visit.end(1.0)

    freed_at: list[float] = []
    now, step = 1.0, 0.01
    while len(freed_at) < 4:
        now += step
        if not kept.withheld("loud", 4 - len(freed_at), now):
            running(kept, "loud", 1, now)
            freed_at.append(now - 1.0)

    # A second of 4, then none: the mean since then, and a place is anybody's where it rounds down.
    for left, at in zip((3.5, 2.5, 1.5, 0.5), freed_at, strict=True):
        decayed = math.exp(-at / KEEP) * -math.expm1(-1.0 / KEEP)
        assert 4 * decayed / -math.expm1(-(1.0 + at) / KEEP) == pytest.approx(left, abs=0.05)
    assert freed_at[-1] < 2 * KEEP


def test_an_even_share_is_everybodys(kept: Kept) -> None:
    running(kept, "loud", 3)
    for visit in running(kept, "quiet", 5):
        visit.end(1.0)

    assert not kept.withheld("loud", 5, 1.0)  # its fourth of eight
    running(kept, "loud", 1, 1.0)
    assert kept.withheld("loud", 4, 1.0)  # not the five the other had: an even share is four


def test_what_is_free_beyond_the_kept_places_is_anybodys(kept: Kept) -> None:
    running(kept, "loud", 5)
    (visit,) = running(kept, "quiet", 1)
    visit.end(1.0)

    assert not kept.withheld("loud", 3, 1.0)
    running(kept, "loud", 2, 1.0)
    assert kept.withheld("loud", 1, 1.0)


def test_one_short_request_now_and_then_keeps_nothing_for_long(kept: Kept) -> None:
    running(kept, "loud", 7)
    (visit,) = running(kept, "rare", 1)
    visit.end(0.05)

    assert kept.withheld("loud", 1, 0.06)
    assert not kept.withheld("loud", 1, 0.2)


def test_a_tenant_that_comes_back_counts_from_its_return(kept: Kept) -> None:
    running(kept, "loud", 7)
    (visit,) = running(kept, "quiet", 1)
    visit.end(1.0)
    kept.wait(60.0)
    (visit,) = running(kept, "quiet", 1, 60.0)
    visit.end(60.2)

    assert kept.withheld("loud", 1, 60.21)


def test_who_waits_is_to_have_its_share_too(kept: Kept) -> None:
    running(kept, "loud", 8)
    for _ in range(4):
        assert kept.visit("quiet", 0.0) is not None  # they wait

    assert kept.withheld("loud", 1, 1.0)
    assert not kept.withheld("quiet", 1, 1.0)


def test_engines_without_a_limit_are_everybodys(kept: Kept) -> None:
    running(kept, "loud", 100)
    running(kept, "quiet", 1)

    assert not kept.withheld("loud", math.inf, 1.0)


def test_nothing_is_counted_unless_somebody_has_waited_lately() -> None:
    kept = Kept(KEEP)

    assert kept.visit("a", 0.0) is None
    kept.wait(1.0)
    assert kept.visit("a", 1.0) is not None
    assert kept.visit("a", 1.0 + LATELY) is None


def test_a_keep_of_nothing_keeps_nothing_from_now_on(kept: Kept) -> None:
    running(kept, "loud", 4)
    for visit in running(kept, "quiet", 4):
        visit.end(1.0)
    kept.bound(0.0)

    assert not kept.withheld("loud", 1, 1.0)
    assert kept.visit("quiet", 1.0) is None
    kept.bound(KEEP)
    assert kept.withheld("loud", 1, 1.0)


def test_no_more_tenants_are_counted_than_can_be_felt(kept: Kept) -> None:
    for number in range(MOST):
        running(kept, str(number), 1)

    assert kept.visit("one more", 1.0) is None
    assert len(kept) == MOST


def test_tenants_that_are_gone_make_room_for_others(kept: Kept) -> None:
    for number in range(MOST):
        (visit,) = running(kept, str(number), 1)
        visit.end(0.1)

    assert kept.visit("one more", 9.0) is not None
    assert len(kept) == 1


def test_a_request_that_is_placed_twice_has_one_place(kept: Kept) -> None:
    running(kept, "loud", 4)
    quiet = running(kept, "quiet", 4)
    for visit in quiet:
        visit.place()  # its first engine failed, another one serves it
        visit.end(1.0)

    assert kept.withheld("loud", 4, 1.0)
    assert not kept.withheld("loud", 5, 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_and_not_used_is_no_more_than_was_used(seed: int) -> None:
    """The bound of the theory, over random comings and goings of a quiet tenant."""
    dice = random.Random(seed)
    kept = Kept(KEEP)
    now, step = 0.0, 0.01
    visits: list[Visit] = []
    used = empty = 0.0
    loud: list[Visit] = []
    while now < 60.0:
        kept.wait(now)
        now += step
        if dice.random() < 0.02:
            for visit in visits:
                visit.end(now)
            visits = running(kept, "quiet", dice.randrange(5), now)
        while len(loud) + len(visits) < PLACES:
            if kept.withheld("loud", PLACES - len(loud) - len(visits), now):
                break
            loud += running(kept, "loud", 1, now)
        while len(loud) + len(visits) > PLACES:
            loud.pop().end(now)
        used += step * len(visits)
        empty += step * (PLACES - len(loud) - len(visits))

    assert empty <= used + KEEP * PLACES / 2
