"""Calls that wait are sent on as soon as a backend has room for them.

Run after every end of a call, and on a slow beat for what only time brings: a backend that came back, a
breaker that lets a trial through. Within a model the queue decides who is next; a head of line whose
untried backends are all full does not hold up other models.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.flow.course import Course


def run(course: "Course") -> None:
    """Send on every waiting call that now finds a backend."""
    queues = course.queues
    if not queues.count:
        return
    now = course.now()
    for queue in queues.busy():
        while (ticket := queue.peek()) is not None:
            waiting = ticket.item
            assert waiting is not None
            if waiting.pick(now) is None:
                break
            queue.pop()
            waiting.proceed(now)
