"""Judges backends by what is known of their calls, and lets those that are a burden be passed over.

An observer of ended calls, and a look once a second. Of each backend one call in 50 ms is measured:
enough to know it by, and next to nothing for the others. The times are those the call has anyway.
Who has no peer (another backend of its tier with one of its models) is not judged: there is nobody
to compare it with, and nobody to go to instead. The rules are `core/standing`, `core/paces` and
`core/silence`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.core.catalog import with_peers
from proxy.core.failure import STREAM, WAIT
from proxy.core.health import State as Health
from proxy.core.paces import Group, Kind, Paces, share
from proxy.core.silence import Quiet, Wait, stuck
from proxy.core.standing import COMPLAINTS, Event, Policy, Standing, State

if TYPE_CHECKING:
    from proxy.core.backend import Backend
    from proxy.core.call import Call
    from proxy.core.catalog import Target
    from proxy.core.failure import Failure
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Course

SPACING: Final = 0.05  # seconds between two calls of a backend that are measured
_MIN_GAPS: Final = 8  # pieces of a stream whose pace says something


class _File:
    """What is kept about one backend."""

    __slots__ = ("heard_at", "life", "next_at", "out", "standing")

    def __init__(self, backend: "Backend", standing: Standing, now: float) -> None:
        self.standing = standing
        self.life = backend.life
        self.heard_at = now  # the last sign of life, or the last look without calls
        self.next_at = 0.0  # when the next call is measured
        self.out = False  # of use, at the last look


class Referee:
    """Judges the backends of a course. `on_change` hears of each that stands otherwise now."""

    __slots__ = ("_files", "_paces", "_policy", "course", "on_change")

    def __init__(self, course: "Course", policy: Policy) -> None:
        self.course = course
        self._policy = policy
        self._files: dict[Backend, _File] = {}
        self._paces = Paces()
        self.on_change: Callable[[Backend, Standing], None] = _unheard

    # what calls tell -----------------------------------------------------------------------------

    def attempt_failed(self, call: "Call", failure: "Failure", *, retried: bool) -> None:
        """Do nothing: failures are the breaker's."""

    def finished(self, call: "Call") -> None:
        """Measure an answer that ended well, if it is time to."""
        file = self._files.get(call.backend)  # type: ignore[arg-type]  # None is in no mapping
        if file is not None and call.ended_at >= file.next_at and call.failure is None:
            file.next_at = call.ended_at + SPACING
            self._measure(call)

    def _measure(self, call: "Call") -> None:
        backend, first, sent = call.backend, call.first_token_at, call.dispatched_at
        if backend is None or not first or not sent or call.status != 200:
            return
        group, now = (call.native_model, backend.priority), call.ended_at
        prompt = int(call.prompt_work).bit_length() + 1
        if not call.stream:
            size = prompt + 64 * (call.tokens_out or 0).bit_length()
            self._paces.note(backend, (group, Kind.WHOLE), size, now - sent, now)
            return
        self._paces.note(backend, (group, Kind.FIRST), prompt, first - sent, now)
        pieces = call.tokens_out or call.chunks
        if pieces >= _MIN_GAPS:
            gap = (call.last_chunk_at - first) / (pieces - 1)
            self._paces.note(backend, (group, Kind.GAP), pieces.bit_length(), gap, now)

    # what changes --------------------------------------------------------------------------------

    def follow(self, policy: Policy) -> None:
        """Judge by other rules from now on."""
        self._policy = policy

    def know(self) -> None:
        """Take note of a new catalog: who has peers now, and who has none any more."""
        course, now = self.course, self.course.now()
        catalog = course.directory.current
        peers = with_peers(catalog)
        for backend in [each for each in self._files if each not in peers]:
            del self._files[backend]
            backend.judge(State.GOOD, 1.0, 1.0, now)
        for backend in peers:
            if backend not in self._files:
                self._files[backend] = _File(backend, Standing(course.random), now)
        self._paces.keep(
            frozenset(
                (target.native[backend.name], backend.priority)
                for backend in peers
                for target in catalog.targets_of(backend)
            )
        )

    def counts(self) -> "list[tuple[Backend, State, int]]":
        """Return how often each backend has been passed over, and why."""
        return [
            (backend, state, count)
            for backend, file in self._files.items()
            for state, count in file.standing.counts.items()
        ]

    # the look ------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Judge every backend."""
        policy = self._policy
        slowness = self._paces.compared(policy.samples, now) if policy.factor else {}
        for backend, file in self._files.items():
            life = backend.life
            if life != file.life or not backend.in_flight:
                file.life, file.heard_at = life, now
            slow, standing = slowness.get(backend), file.standing
            changed = standing.over(now) and standing.take(Event.OVER, now, policy)
            if changed:  # what it was like before says nothing about the trial
                self._paces.forget(backend)
                slow = None
            event = self._found(backend, file, slow, now)
            if event is not None:
                changed = standing.take(event, now, policy) or changed
            known = 1.0 if slow is None else slow
            backend.judge(standing.state, known, share(known), now)
            if changed:
                self._tell(backend, standing)

    def _found(
        self, backend: "Backend", file: _File, slow: float | None, now: float
    ) -> Event | None:
        policy, standing = self._policy, file.standing
        event: Event | None = None
        if self._came_back(backend, file, now):
            event = Event.UNSTEADY
        elif policy.silence and self._stuck(backend, file, now):
            event = Event.SILENT
        elif slow is not None and slow >= policy.factor:
            event = Event.SLOW
        elif standing.state is State.TRIAL:
            calm = now - standing.since >= policy.decay
            if (slow is not None and slow <= policy.fine) or calm:
                return Event.FINE
        if event in COMPLAINTS and not standing.passed_over and not self._can_go(backend, now):
            return None
        return event

    def _tell(self, backend: "Backend", standing: Standing) -> None:
        self.on_change(backend, standing)
        if standing.state is State.SILENT:
            self.course.suspect(backend)

    def _came_back(self, backend: "Backend", file: _File, now: float) -> bool:
        """Tell whether an outage has ended, soon after another one."""
        was_out = file.out
        file.out = backend.health.state is Health.DOWN or not backend.breaker.closed
        if not was_out or file.out or not self._policy.flapping:
            return False
        return file.standing.returned(now, self._policy)

    def _stuck(self, backend: "Backend", file: _File, now: float) -> bool:
        seconds = now - file.heard_at
        if seconds < self._policy.silence:
            return False  # nearly always: what follows looks at all calls
        trial = file.standing.state is State.TRIAL
        return stuck(self._quiet(backend, seconds, now), self._policy.silence, trial=trial)

    def _quiet(self, backend: "Backend", seconds: float, now: float) -> Quiet:
        streams, gap, waits = 0, None, []
        samples = self._policy.samples
        for attempts in self.course.calls:
            call = attempts.call
            if call.backend is not backend or attempts.phase not in (WAIT, STREAM):
                continue
            group: Group = (call.native_model, backend.priority)
            if attempts.phase is WAIT and call.first_token_at:  # gathered here
                seconds = min(seconds, _since_progress(attempts, now))
                streams += 1
            elif attempts.phase is STREAM:
                streams += not attempts.paused_at
                gap = max(gap or 0.0, self._paces.usual(group, Kind.GAP, samples) or 0.0)
            else:
                kind = Kind.FIRST if call.stream else Kind.WHOLE
                usual = self._paces.usual(group, kind, samples)
                waits.append(Wait(age=now - call.dispatched_at, usual=usual))
        return Quiet(seconds=seconds, streams=streams, gap=gap, waits=waits)

    # who may go ----------------------------------------------------------------------------------

    def _tiers(self, backend: "Backend") -> "list[list[Backend]]":
        """Return its peers, and itself, for each model that any of them serves as well."""
        targets: tuple[Target, ...] = self.course.directory.current.targets_of(backend)
        tiers = [
            [each for each in target.candidates if each.priority == backend.priority]
            for target in targets
        ]
        return [tier for tier in tiers if len(tier) > 1]

    def _can_go(self, backend: "Backend", now: float) -> bool:
        """Tell whether enough others are left for each of its models: never is the last one out."""
        tiers = self._tiers(backend)
        return bool(tiers) and all(
            self._enough([each for each in tier if each is not backend], now) for tier in tiers
        )

    def _enough(self, others: "list[Backend]", now: float) -> bool:
        aside = sum(each.aside for each in others)
        return 1 + aside <= self._policy.share * (len(others) + 1) and any(
            not each.aside and each.available(now) for each in others
        )


def _since_progress(attempts: "Attempts", now: float) -> float:
    """Return for how long nothing has come of an answer that is gathered; 0 if nobody keeps it."""
    idle = attempts.timeouts.idle if attempts.timeouts is not None else 0.0
    return now - (attempts.due - idle) if idle and attempts.due else 0.0


def _unheard(_backend: "Backend", _standing: Standing) -> None:
    return None
