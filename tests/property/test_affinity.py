"""Sessions over any fleet: load stays bounded, and a change moves only the sessions it must."""

import random

from hypothesis import given
from hypothesis import strategies as st

from proxy.core import affinity
from proxy.core.backend import Backend, Lease
from proxy.core.selection import Policy, Selector
from tests.fixtures.fleet import make_backend

NOW = 100.0
BOUNDS = st.sampled_from([1.0, 1.25, 2.0, 10.0])
SESSIONS = st.text(st.characters(max_codepoint=255), max_size=20)
STEPS = st.lists(st.tuples(SESSIONS, st.floats(1.0, 1e5), st.booleans()), min_size=1, max_size=60)


@st.composite
def fleets(draw: st.DrawFn) -> list[Backend]:
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 4.0]), min_size=1, max_size=20))
    return [make_backend(f"b{n}", weight=weight) for n, weight in enumerate(weights)]


@given(fleet=fleets(), bound=BOUNDS, steps=STEPS, luck=st.randoms())
def test_nobody_ever_carries_more_than_the_bound_and_one_call(
    fleet: list[Backend], bound: float, steps: list[tuple[str, float, bool]], luck: random.Random
) -> None:
    selector = Selector(Policy.WORK, luck.random)
    running: list[Lease] = []
    for session, work, ends in steps:
        chosen = affinity.pick(session, fleet, bound=bound, work=work, tried=(), now=NOW)
        if chosen is None:
            chosen = selector.pick(fleet, prompt_work=work, output_work=0.0, tried=(), now=NOW)
        assert chosen is not None
        mean = (sum(each.work for each in fleet) + work) / sum(each.weight for each in fleet)
        running.append(chosen.lease(work, 0.0, NOW))

        assert chosen.work <= (bound * mean * chosen.weight + work) * (1.0 + 1e-9)
        if ends:
            running.pop(luck.randrange(len(running))).release()


@given(fleet=fleets(), sessions=st.lists(SESSIONS, min_size=1, max_size=40), data=st.data())
def test_a_backend_that_leaves_moves_its_own_sessions_only(
    fleet: list[Backend], sessions: list[str], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(fleet))
    left = [backend for backend in fleet if backend is not gone]

    for session in sessions:
        before = affinity.order(session, fleet)
        assert affinity.order(session, left) == [each for each in before if each is not gone]


@given(fleet=fleets(), session=SESSIONS, luck=st.randoms())
def test_the_order_of_the_settings_and_the_replica_make_no_difference(
    fleet: list[Backend], session: str, luck: random.Random
) -> None:
    there = [make_backend(each.name, weight=each.weight) for each in fleet]
    luck.shuffle(there)

    names = [each.name for each in affinity.order(session, fleet)]
    assert [each.name for each in affinity.order(session, there)] == names
