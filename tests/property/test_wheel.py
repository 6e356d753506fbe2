"""The wheel against the plainest thing that could do its job: a list, searched every time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from proxy.core.wheel import PARK, TICK, Wheel


class Holder:
    """An item whose deadline its owner moves."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.told = deadline  # what the wheel was told last: it does not look before that

    def expired(self, now: float) -> None:
        raise AssertionError(now)


class WheelMachine(RuleBasedStateMachine):
    """Adds, moves, discards and time, in any order."""

    items = Bundle("items")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.wheel = Wheel(self.now)
        self.filed: list[Holder] = []

    @rule(target=items, delay=st.floats(-1, 30))
    def add(self, delay: float) -> Holder:
        holder = Holder(self.now + delay)
        self.wheel.add(holder, holder.deadline)
        self.filed.append(holder)
        return holder

    @rule(holder=items, delay=st.floats(0, 30))
    def progress(self, holder: Holder, delay: float) -> None:
        holder.deadline = max(holder.deadline, self.now + delay)

    @rule(holder=items)
    def park(self, holder: Holder) -> None:
        holder.deadline = 0.0

    @rule(holder=items, delay=st.floats(-1, 30))
    def move(self, holder: Holder, delay: float) -> None:
        holder.deadline = holder.told = self.now + delay
        self.wheel.add(holder, holder.deadline)
        if holder not in self.filed:
            self.filed.append(holder)

    @rule(holder=consumes(items))
    def discard(self, holder: Holder) -> None:
        self.wheel.discard(holder)
        if holder in self.filed:
            self.filed.remove(holder)

    @rule(step=st.one_of(st.floats(0, 0.2), st.floats(0, 40)))
    def advance(self, step: float) -> None:
        self.now += step
        due = self.wheel.advance(self.now)

        assert len(set(map(id, due))) == len(due)
        for item in due:
            assert 0.0 < item.deadline <= self.now, "early"
            self.filed.remove(item)  # type: ignore[arg-type]  # all items here are holders

    @rule()
    def settle(self) -> None:
        for _ in range(2):  # once to see what was parked, once to serve it
            self.advance(PARK + 2 * TICK)

        before = self.now - PARK - 2 * TICK
        assert not [
            holder
            for holder in self.filed
            if 0.0 < holder.deadline <= before and holder.told <= before
        ], "late"

    @invariant()
    def holds_what_was_filed(self) -> None:
        assert len(self.wheel) == len(self.filed)
        assert all(holder in self.wheel for holder in self.filed)
        assert sum(map(len, self.wheel._pages.values())) == len(self.filed)


TestWheel = WheelMachine.TestCase
TestWheel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
