"""The queues against a plain list: order, bounds and counts after any history."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.core.admission import AGING, Policy, Queues, Ticket

POLICY = Policy(count=6, bytes=60, total=2)
MODELS = st.sampled_from("abc")


class QueuesMachine(RuleBasedStateMachine):
    """Arrivals, services, cancellations and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.queues: Queues[int] = Queues(POLICY)
        self.waiting: dict[str, list[Ticket[int]]] = {model: [] for model in "abc"}
        self.serial = 0
        self.priorities: dict[int, int] = {}

    def all(self) -> list[Ticket[int]]:
        return [ticket for waiting in self.waiting.values() for ticket in waiting]

    @rule(
        model=MODELS,
        size=st.integers(0, 30),
        priority=st.integers(-2, 2),
    )
    def arrive(self, model: str, size: int, priority: int) -> None:
        self.serial += 1
        self.priorities[self.serial] = priority
        waiting, everyone = self.waiting[model], self.all()
        fits = (
            len(waiting) < POLICY.count
            and sum(ticket.size for ticket in waiting) + size <= POLICY.bytes
            and len(everyone) < POLICY.count * POLICY.total
            and sum(ticket.size for ticket in everyone) + size <= POLICY.bytes * POLICY.total
        )
        ticket = self.queues.queue(model).push(
            self.serial,
            size=size,
            priority=priority,
            now=self.now,
        )

        assert isinstance(ticket, Ticket) == fits
        if isinstance(ticket, Ticket):
            waiting.append(ticket)

    @rule(model=MODELS)
    def serve(self, model: str) -> None:
        waiting = self.waiting[model]
        expected = min(
            waiting,
            key=lambda ticket: (
                ticket.queued_at + AGING * self.priorities[ticket.item],
                ticket.item,
            ),
            default=None,
        )

        assert self.queues.queue(model).peek() is expected
        assert self.queues.queue(model).pop() is expected
        if expected is not None:
            waiting.remove(expected)

    @precondition(lambda self: self.all())
    @rule(data=st.data(), model=MODELS)
    def leave(self, data: st.DataObject, model: str) -> None:
        if waiting := self.waiting[model]:
            ticket = data.draw(st.sampled_from(waiting))
            self.queues.queue(model).cancel(ticket)
            waiting.remove(ticket)

    @rule(step=st.floats(0, 15))
    def wait(self, step: float) -> None:
        self.now += step

    @invariant()
    def counts_are_exact(self) -> None:
        assert self.queues.count == len(self.all())
        assert self.queues.bytes == sum(ticket.size for ticket in self.all())
        for model, waiting in self.waiting.items():
            queue = self.queues.queue(model)
            assert (len(queue), queue.bytes) == (len(waiting), sum(t.size for t in waiting))
            assert 1 <= queue.retry_after(self.now) <= 60


TestQueues = QueuesMachine.TestCase
TestQueues.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
