"""Which request is due when: the drawn instants, and turns that follow the end of another."""

import heapq
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Mapping

from benchmarks.load.planned import Planned

SECOND = 1_000_000_000


class Dues:
    """The requests still to be sent, by intended time (CLOCK_MONOTONIC ns).

    A session's first turn is due at its own time. Each later one is due `think` seconds after the
    end of the one before, however that one ended, so that every block sends every request.
    """

    __slots__ = ("_at", "_first", "_foreseen", "_later", "_next", "_requests", "_turns")

    def __init__(self, requests: Mapping[int, Planned], begin_ns: int) -> None:
        self._requests = requests
        self._turns: dict[int, deque[int]] = _turns(requests)
        first = [index for index, one in requests.items() if one.session < 0]
        first += [turns.popleft() for turns in self._turns.values()]
        self._first = sorted((begin_ns + int(requests[i].at * SECOND), i) for i in first)
        self._at = [at for at, _ in self._first]
        self._next = 0
        self._foreseen = 0
        self._later: list[tuple[int, int]] = []

    def head(self) -> int | None:
        """Return when the next request is due; None: none is known."""
        first = self._at[self._next] if self._next < len(self._at) else None
        later = self._later[0][0] if self._later else None
        if first is None or later is None:
            return later if first is None else first
        return min(first, later)

    def pop(self) -> tuple[int, int]:
        """Take the next request: when it is due, and which it is."""
        later = self._later
        if later and (self._next >= len(self._at) or later[0] < self._first[self._next]):
            return heapq.heappop(later)
        self._next += 1
        return self._first[self._next - 1]

    def ended(self, index: int, ended_ns: int) -> int | None:
        """Note the end of a request; return the next turn of its session, which is due now."""
        turns = self._turns.get(self._requests[index].session)
        if not turns:
            return None
        follower = turns.popleft()
        due = ended_ns + int(self._requests[follower].think * SECOND)
        heapq.heappush(self._later, (due, follower))
        return follower

    def coming(self, until_ns: int) -> int:
        """Count the known requests due by then."""
        first = bisect_right(self._at, until_ns, lo=self._next) - self._next
        return first + sum(due <= until_ns for due, _ in self._later)

    def foresee(self, until_ns: int) -> list[int]:
        """List the first turns due by then that were not listed before."""
        begin = max(self._foreseen, self._next)
        self._foreseen = max(begin, bisect_right(self._at, until_ns, lo=begin))
        return [index for _, index in self._first[begin : self._foreseen]]


def _turns(requests: Mapping[int, Planned]) -> dict[int, deque[int]]:
    sessions: dict[int, list[int]] = defaultdict(list)
    for index, one in requests.items():
        if one.session >= 0:
            sessions[one.session].append(index)
    return {
        session: deque(sorted(found, key=lambda index: (requests[index].turn, index)))
        for session, found in sessions.items()
    }
