"""Selection: which backend each policy picks, and which it never does."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from proxy.core.backend import Backend
from proxy.core.selection import FULL_SCAN, Policy, Selector
from proxy.core.standing import State
from tests.fixtures.fleet import make_backend, take_down, trip


class Dice:
    """Randomness that is told what to say; the last word is repeated."""

    def __init__(self, *says: float) -> None:
        self._says = list(says)

    def __call__(self) -> float:
        return self._says.pop(0) if len(self._says) > 1 else self._says[0]


def steps(count: int = 997) -> Dice:
    """Return numbers that cover [0, 1) evenly."""
    return Dice(*[(n * 0.618) % 1.0 for n in range(count)])


def pick(
    candidates: Sequence[Backend],
    policy: Policy = Policy.WORK,
    *,
    random: Dice | None = None,
    tried: Sequence[Backend] = (),
    now: float = 1.0,
) -> Backend | None:
    return Selector(policy, random or Dice(0.5)).pick(
        candidates, prompt_work=100.0, output_work=100.0, tried=tried, now=now
    )


def loaded(name: str, *works: float, weight: float = 1.0, priority: int = 0) -> Backend:
    backend = make_backend(name, weight=weight, priority=priority)
    for work in works:
        backend.lease(work, 0.0, 1.0)
    return backend


@pytest.mark.parametrize("policy", list(Policy))
def test_nobody_is_picked_from_nobody(policy: Policy) -> None:
    assert pick([], policy) is None


def test_work_goes_where_the_least_work_is_not_the_fewest_requests() -> None:
    one_long, many_short = loaded("a", 16_000.0), loaded("b", *[20.0] * 10)

    assert pick([one_long, many_short], Policy.WORK) is many_short
    assert pick([one_long, many_short], Policy.LEAST_CONNECTIONS) is one_long


@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
def test_weight_divides_the_load(policy: Policy) -> None:
    small, big = loaded("small", 200.0), loaded("big", 200.0, 200.0, weight=3.0)

    assert pick([small, big], policy) is big


def test_the_request_itself_counts() -> None:
    small, big = loaded("small"), loaded("big", 100.0, weight=4.0)

    assert pick([small, big]) is big  # 200/1 against 300/4


@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
def test_a_penalty_counts_as_load(policy: Policy) -> None:
    fails, busy = loaded("fails"), loaded("busy", 300.0)
    fails.breaker.failed(fails.breaker.admit(1.0), 1.0, hard=False, soft=True)
    fails.penalise(None, 1.0)

    assert pick([fails, busy], policy) is busy
    assert pick([fails], policy) is fails


@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
@pytest.mark.parametrize("size", [2, 3, 7])
def test_ties_are_broken_evenly(policy: Policy, size: int) -> None:
    fleet = [make_backend(f"b{n}") for n in range(size)]
    selector = Selector(policy, Random(7).random)

    picks = Counter(
        selector.pick(fleet, prompt_work=1.0, output_work=1.0, tried=(), now=1.0)
        for _ in range(700)
    )

    assert set(picks) == set(fleet)
    assert min(picks.values()) > 0.7 * 700 / size


@pytest.mark.parametrize("policy", list(Policy))
def test_the_lower_tier_is_used_while_it_has_anybody(policy: Policy) -> None:
    first, second, spare = loaded("a", 9e9), loaded("b", 9e9), loaded("spare", priority=1)
    fleet = [first, second, spare]

    assert pick(fleet, policy) in {first, second}
    assert pick(fleet, policy, tried=[first]) is second
    assert pick(fleet, policy, tried=[first, second]) is spare
    trip(second, 1.0)
    take_down(first, 1.0)

    assert pick(fleet, policy) is spare


@pytest.mark.parametrize("policy", list(Policy))
def test_a_full_backend_is_passed_over(policy: Policy) -> None:
    full, roomy = make_backend("full", cap=1), loaded("roomy", 9e9)
    full.lease(1.0, 1.0, 1.0)

    assert pick([full, roomy], policy) is roomy
    assert pick([full], policy) is None


@pytest.mark.parametrize("policy", list(Policy))
def test_an_expired_open_time_lets_one_request_through(policy: Policy) -> None:
    backend = make_backend()
    trip(backend, 0.0)

    assert pick([backend], policy, now=1.9) is None
    assert pick([backend], policy, now=2.0) is backend
    backend.lease(1.0, 1.0, 2.0)

    assert pick([backend], policy, now=2.0) is None


def test_a_recovered_backend_is_used_at_once_even_when_it_is_quiet() -> None:
    back, other = make_backend("back"), loaded("other", 10.0)
    take_down(back, 0.0)
    back.health.probed(True, 1.0, "back")

    assert pick([back, other]) is back
    back.lease(100.0, 100.0, 1.0)

    assert pick([back, other]) is other  # but one at a time: its weight is a tenth


def shares(policy: Policy, weights: Sequence[float], rounds: int = 600) -> list[float]:
    fleet = [make_backend(f"b{n}", weight=weight) for n, weight in enumerate(weights)]
    random = steps(rounds + 1)
    selector = Selector(policy, random)
    picks = Counter(
        selector.pick(fleet, prompt_work=1.0, output_work=1.0, tried=(), now=1.0)
        for _ in range(rounds)
    )
    return [picks[backend] / rounds for backend in fleet]


@pytest.mark.parametrize("policy", [Policy.ROUND_ROBIN, Policy.RANDOM])
def test_shares_follow_weights(policy: Policy) -> None:
    assert shares(policy, [1.0, 2.0, 3.0]) == pytest.approx([1 / 6, 1 / 3, 1 / 2], abs=0.02)


def test_the_last_number_of_the_range_falls_to_the_last_backend() -> None:
    fleet = [make_backend(f"b{n}", weight=0.1) for n in range(3)]

    assert pick(fleet, Policy.RANDOM, random=Dice(1.0)) is fleet[-1]


def test_round_robin_takes_turns() -> None:
    fleet = [make_backend(f"b{n}") for n in range(3)]
    selector = Selector(Policy.ROUND_ROBIN, Dice(0.5))

    def turn() -> Backend | None:
        return selector.pick(fleet, prompt_work=1.0, output_work=1.0, tried=(), now=1.0)

    assert [turn() for _ in range(6)] == fleet * 2


def test_round_robin_does_not_make_up_for_an_absence() -> None:
    here, away = make_backend("here"), make_backend("away")
    selector = Selector(Policy.ROUND_ROBIN, Dice(0.5))

    def turns(fleet: Sequence[Backend], count: int) -> Counter[Backend | None]:
        return Counter(
            selector.pick(fleet, prompt_work=1.0, output_work=1.0, tried=(), now=1.0)
            for _ in range(count)
        )

    turns([here], 1000)

    assert turns([here, away], 100)[away] in {50, 51}


def test_round_robin_of_one_model_is_not_thrown_off_by_another() -> None:
    first, second, other = (make_backend(name) for name in ("first", "second", "other"))
    selector = Selector(Policy.ROUND_ROBIN, Dice(0.5))
    picks: Counter[Backend | None] = Counter()

    for _ in range(100):
        for fleet in ([other], [first, second]):
            picks[selector.pick(fleet, prompt_work=1.0, output_work=1.0, tried=(), now=1.0)] += 1

    assert (picks[first], picks[second]) == (50, 50)


# -- large pools ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Policy.WORK, Policy.LEAST_CONNECTIONS])
def test_a_large_pool_is_drawn_from(policy: Policy) -> None:
    fleet = [loaded(f"b{n}", *[10.0] * n) for n in range(FULL_SCAN + 4)]

    assert pick(fleet, policy, random=Dice(0.96, 0.46, 0.0)) is fleet[9]


def test_sixteen_are_all_compared() -> None:
    fleet = [loaded(f"b{n}", 1.0 + n) for n in reversed(range(FULL_SCAN))]

    assert pick(fleet, random=Dice(0.0)) is fleet[-1]


@pytest.mark.parametrize("policy", list(Policy))
def test_the_only_one_left_in_a_large_pool_is_found(policy: Policy) -> None:
    fleet = [make_backend(f"b{n}", ready=n == 37) for n in range(60)]

    assert pick(fleet, policy, random=steps()) is fleet[37]


def test_a_large_pool_is_drawn_from_its_first_tier() -> None:
    fleet = [loaded(f"b{n}", 100.0) for n in range(3)]
    fleet += [loaded(f"spare{n}", priority=1) for n in range(40)]
    random = steps()

    for _ in range(50):
        chosen = pick(fleet, random=random)
        assert chosen is not None
        assert chosen.priority == 0


@pytest.mark.parametrize("policy", list(Policy))
def test_backends_are_equal_if_either_could_have_been_picked(policy: Policy) -> None:
    one, two, busy = loaded("a", 100.0), loaded("b", 100.0), loaded("c", 100.0, 100.0)
    later, away = loaded("d", 100.0, priority=1), make_backend("e", ready=False)
    selector = Selector(policy, Dice(0.5))
    scored = policy in {Policy.WORK, Policy.LEAST_CONNECTIONS}

    assert selector.equal(one, two, 200.0, 1.0) is scored
    for other in (busy, later, away):
        assert not selector.equal(one, other, 200.0, 1.0)


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("size", [3, FULL_SCAN + 8])
def test_who_is_passed_over_is_the_last_choice_of_its_tier(policy: Policy, size: int) -> None:
    fleet = [make_backend(f"b{n}") for n in range(size)] + [make_backend("spare", priority=1)]
    aside, *others = fleet[:-1]
    aside.judge(State.SILENT, 1.0, 1.0, 1.0)
    for backend in others:
        backend.lease(1e5, 1e5, 1.0)

    assert aside not in {pick(fleet, policy, random=steps()) for _ in range(100)}
    for backend in others:
        backend.drain(1.0)

    assert pick(fleet, policy) is aside
