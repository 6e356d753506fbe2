"""Calls that wait are sent on as soon as a backend has room for them.

Run after every end of a call, and on a slow beat for what only time brings: a backend that came
back, a breaker that lets a trial through. Within a model the queue decides who is next. A first in
line that may go anywhere and finds nothing speaks for all behind it; one that may not (the client
insists on a backend, some have failed it already, or the room is kept for other tenants) is passed
over.
"""

from typing import TYPE_CHECKING

from proxy.flow import choice

if TYPE_CHECKING:
    from proxy.core.admission import Queue
    from proxy.flow.attempts import Attempts
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
            if choice.pick(waiting, now) is None:
                if choice.choosy(waiting) or choice.stands_back(waiting, now):
                    _pass_over(queue, now)
                break
            queue.pop()
            waiting.proceed(now)


def _pass_over(queue: "Queue[Attempts]", now: float) -> None:
    """Send on who can go, behind a first in line that cannot."""
    back: set[str] = set()  # tenants for whom the room there is is not
    for ticket in queue.waiting():
        waiting = ticket.item
        if ticket.whose in back:
            continue
        if choice.pick(waiting, now) is not None:
            queue.take(ticket)
            waiting.proceed(now)
        elif choice.stands_back(waiting, now):
            back.add(ticket.whose)
            if len(back) >= queue.tenants:
                return
        elif not choice.choosy(waiting):
            return
