"""Who waits, in which order, and how one leaves."""

import pytest

from proxy.core.admission import AGING, LONGEST, UNKNOWN, Policy, Queue, Queues, Ticket
from proxy.core.failure import Failure, Kind


def push(
    queue: Queue[str],
    item: str,
    *,
    now: float = 0.0,
    priority: int = 0,
    size: int = 1,
) -> Ticket[str]:
    """Queue an item that must be let in."""
    ticket = queue.push(item, size=size, priority=priority, now=now)
    assert isinstance(ticket, Ticket)
    return ticket


def refusal(queue: Queue[str], *, size: int = 1, now: float = 0.0) -> Failure:
    """Queue an item that must not be let in."""
    failure = queue.push("refused", size=size, priority=0, now=now)
    assert isinstance(failure, Failure)
    return failure


def drained(queue: Queue[str]) -> str:
    """Return all items in the order in which they are served."""
    served = ""
    while (ticket := queue.pop()) is not None:
        served += ticket.item
    return served


@pytest.fixture
def queue() -> Queue[str]:
    return Queue(Policy())


def test_inside_a_priority_first_come_is_first_served(queue: Queue[str]) -> None:
    for item in "abc":
        push(queue, item)

    assert drained(queue) == "abc"
    assert queue.pop() is None


def test_a_lower_number_goes_first(queue: Queue[str]) -> None:
    for item, priority in zip("abcd", (1, 0, 2, -1), strict=True):
        push(queue, item, priority=priority)

    assert drained(queue) == "dbac"


def test_nobody_starves_behind_a_better_class(queue: Queue[str]) -> None:
    push(queue, "o", priority=1, now=0.0)
    push(queue, "a", priority=0, now=AGING - 1)
    push(queue, "z", priority=0, now=AGING + 1)

    assert drained(queue) == "aoz"


def test_the_next_can_be_seen_without_being_taken(queue: Queue[str]) -> None:
    assert queue.peek() is None
    ticket = push(queue, "a")

    assert queue.peek() is ticket
    assert ticket.waiting
    assert queue.pop() is ticket
    assert not ticket.waiting
    assert queue.peek() is None


def test_it_is_bounded_by_number() -> None:
    queue: Queue[str] = Queue(Policy(count=2))
    push(queue, "a")
    push(queue, "b")

    failure = refusal(queue)
    assert (failure.kind, failure.code) == (Kind.QUEUE_FULL, "PQ")
    assert failure.retry_after is not None
    assert failure.retry_after >= 1
    assert queue.refused == 1
    queue.pop()
    push(queue, "c")
    assert drained(queue) == "bc"


def test_it_is_bounded_by_bytes() -> None:
    queue: Queue[str] = Queue(Policy(bytes=100))
    ticket = push(queue, "a", size=60)

    assert "60 bytes" in refusal(queue, size=41).detail
    push(queue, "b", size=40)
    queue.cancel(ticket)
    assert queue.bytes == 40


def test_a_count_of_nought_lets_nobody_wait() -> None:
    assert refusal(Queue(Policy(count=0))).kind is Kind.QUEUE_FULL


def test_a_cancelled_ticket_is_never_served(queue: Queue[str]) -> None:
    first, _, third = [push(queue, item) for item in "abc"]
    queue.cancel(first)
    queue.cancel(third)
    queue.cancel(third)

    assert len(queue) == 1
    assert drained(queue) == "b"
    queue.cancel(first)
    assert (queue.count, queue.bytes) == (0, 0)


def test_cancelling_what_was_served_changes_nothing(queue: Queue[str]) -> None:
    push(queue, "a")
    ticket = queue.pop()
    push(queue, "b")

    assert ticket is not None
    queue.cancel(ticket)
    assert len(queue) == 1


def test_those_who_wait_can_be_gone_through_in_order_while_some_leave(queue: Queue[str]) -> None:
    tickets = [push(queue, item, priority=-ord(item)) for item in "abcde"]
    queue.cancel(tickets[4])

    seen = ""
    for ticket in queue.waiting():
        seen += ticket.item
        if ticket.item == "d":
            queue.cancel(tickets[2])

    assert seen == "dba"


def test_one_who_is_not_next_can_be_taken(queue: Queue[str]) -> None:
    _, second, _ = (push(queue, item, size=5) for item in "abc")

    queue.take(second)

    assert (queue.count, queue.bytes, queue.served) == (2, 10, 1)
    queue.cancel(second)
    assert drained(queue) == "ac"
    assert (queue.count, queue.bytes) == (0, 0)


def test_a_queue_whose_clients_all_leave_holds_nothing(queue: Queue[str]) -> None:
    push(queue, "first")
    for _ in range(5000):
        queue.cancel(push(queue, "x"))

    assert len(queue._heap) < 200
    assert drained(queue) == "first"


def test_retry_after_is_the_time_the_queue_needs(queue: Queue[str]) -> None:
    for _ in range(100):
        push(queue, "x")
    for second in range(1, 11):  # four a second
        for _ in range(4):
            queue.pop()
        queue.retry_after(float(second))

    assert len(queue) == 60
    assert queue.retry_after(10.0) == 15
    assert queue.retry_after(10.0, jitter=1.0) == 23


def test_retry_after_while_nothing_is_known(queue: Queue[str]) -> None:
    push(queue, "x")

    assert queue.retry_after(0.5) == UNKNOWN


def test_retry_after_of_a_queue_that_does_not_move(queue: Queue[str]) -> None:
    push(queue, "x", now=0.0)

    assert queue.retry_after(5.0) == LONGEST


def test_idle_time_does_not_count_as_slow(queue: Queue[str]) -> None:
    for _ in range(20):
        push(queue, "x", now=0.0)
    for _ in range(10):
        queue.pop()
    assert queue.retry_after(1.0) == 1  # ten a second
    drained(queue)

    for _ in range(20):
        push(queue, "x", now=10_000.0)
    assert queue.retry_after(10_000.5) == 2


def test_all_queues_share_their_bounds() -> None:
    queues: Queues[str] = Queues(Policy(count=2, bytes=100, total=2))
    tickets = [push(queues.queue(model), model) for model in "aabb"]

    assert "all models" in refusal(queues.queue("c")).detail
    queues.queue("a").cancel(tickets[0])
    push(queues.queue("c"), "c", size=50)
    assert (queues.count, len(queues), queues.bytes) == (4, 4, 53)
    queues.queue("b").cancel(tickets[2])
    assert "all models" not in refusal(queues.queue("c"), size=90).detail
    push(queues.queue("d"), "d", size=100)


def test_the_common_bound_on_bytes() -> None:
    queues: Queues[str] = Queues(Policy(bytes=100, total=2))
    for model in "ab":
        push(queues.queue(model), model, size=90)

    assert "all models" in refusal(queues.queue("c"), size=30).detail


def test_busy_queues_are_ordered_by_whose_turn_it_is() -> None:
    queues: Queues[str] = Queues(Policy())
    assert queues.busy() == []
    push(queues.queue("late"), "x", now=2.0)
    push(queues.queue("early"), "x", now=1.0)
    queues.queue("empty")

    assert queues.busy() == [queues.queue("early"), queues.queue("late")]


def test_queues_of_models_that_are_gone_are_forgotten_when_empty() -> None:
    queues: Queues[str] = Queues(Policy())
    push(queues.queue("gone"), "x")
    queues.queue("gone, empty")
    queues.queue("kept")

    queues.prune({"kept"})
    assert [model for model, _ in queues.items()] == ["gone", "kept"]
    assert repr(queues.queue("gone")) == "<Queue 1 waiting, 1 bytes>"


def test_a_tenant_with_few_waiting_goes_before_one_with_many(queue: Queue[str]) -> None:
    for second in range(4):  # one is served in a second
        push(queue, "x", now=float(second))
        push(queue, "y", now=float(second))
        queue.pop()
    drained(queue)
    for item in "ABC":
        queue.push(item, size=1, priority=0, now=4.0, whose="loud")

    queue.push("q", size=1, priority=0, now=4.1, whose="quiet")
    queue.push("D", size=1, priority=0, now=4.1, whose="loud")

    assert drained(queue) == "AqBCD"
