"""One word for each backend, how bad it is, and why: what a person reads off first.

The rows are looked at from the top; the first that fits is the verdict.

    level   word          when
    bad     down          checks say so: nobody answers, or not as an engine
    bad     cut off       its breaker is open: requests failed there
    warn    starting      it has never been ready and does not answer yet
    warn    draining      it was ordered out of use
    warn    on trial      its breaker lets one request through to see
    warn    held back     it is not used for another reason
    warn    failing       the last check failed, or one request in twenty did lately
    warn    silent        it stands so: no token comes from it
    warn    unsteady      it stands so: it keeps coming back for a moment
    warn    slow          it stands so, or takes twice as long as its peers
    warn    on trial      it was passed over, for no slowness that shows, and is sent requests again
    warn    full          as many requests run as may
    idle    unchecked     it has not been checked yet
    ok      ready         none of these
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from proxy.core.backend import Backend
from proxy.core.breaker import State as Breaker
from proxy.core.health import State
from proxy.core.standing import State as Standing
from proxy.telemetry.failures import Record
from proxy.telemetry.vitals import Lag, Vitals

OFTEN: Final = 0.05  # share of requests that failed
NAMED: Final = 48  # letters: names that take more are counted
_STATES: Final = {
    State.DOWN: ("bad", "down"),
    State.STARTING: ("warn", "starting"),
    State.DRAINING: ("warn", "draining"),
    State.UNKNOWN: ("idle", "unchecked"),
}
_WORSE: Final = {"bad": 0, "warn": 1, "idle": 2}
_PASSED: Final = "others go before it"
_STANDINGS: Final = {
    Standing.SILENT: ("silent", f"no token comes from it; {_PASSED}"),
    Standing.UNSTEADY: ("unsteady", f"it keeps going down and coming back; {_PASSED}"),
    Standing.TRIAL: ("on trial", "it was passed over and is sent requests again"),
}
_WAITS: Final = {"first_token": "the first token", "between": "each further token"}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`level` is ok, idle, warn or bad; `why` is empty if there is nothing to say.

    `slow_in` is what a slow one takes long for: first_token or between.
    """

    level: str
    word: str
    why: str = ""
    slow_in: str = ""


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a backend besides itself. `tries` are attempts that failed and moved on."""

    lately: Vitals
    tries: int = 0
    lag: Lag | None = None
    last: Record | None = None  # the last failure there


def verdict(backend: Backend, signs: Signs, now: float) -> Verdict:
    """Return the verdict on a backend."""
    state, breaker = backend.health.state, backend.breaker.state(now)
    if state in _STATES:
        level, word = _STATES[state]
        return Verdict(level=level, word=word, why=backend.health.reason)
    if breaker is not Breaker.CLOSED:
        return _guarded(backend, breaker, signs, now)
    if not backend.available(now):
        return Verdict(level="warn", word="held back", why=_said(signs.last))
    return _in_use(backend, signs)


def _guarded(backend: Backend, breaker: Breaker, signs: Signs, now: float) -> Verdict:
    why = _said(signs.last)
    if breaker is Breaker.HALF_OPEN:
        return Verdict(level="warn", word="on trial", why=why)
    until = backend.breaker.next_probe_at
    if until is not None:
        again = f"next try in {max(0.0, until - now):.0f} s"
        why = f"{again}; {why}" if why else again
    return Verdict(level="bad", word="cut off", why=why)


def _in_use(backend: Backend, signs: Signs) -> Verdict:
    lately = signs.lately
    bad, asked = lately.failed + signs.tries, lately.calls + signs.tries
    if backend.health.state is State.FAILING:
        return Verdict(level="warn", word="failing", why=backend.health.reason)
    if bad and bad >= OFTEN * asked:
        why = f"{bad} of {asked} attempts failed lately; {_said(signs.last)}"
        return Verdict(level="warn", word="failing", why=why.removesuffix("; "))
    if (stands := _standing(backend, signs.lag)) is not None:
        return stands
    if not backend.has_room:
        return Verdict(level="warn", word="full", why=f"all {backend.in_flight} places are taken")
    return Verdict(level="ok", word="ready")


def _standing(backend: Backend, lag: Lag | None) -> Verdict | None:
    state = backend.standing
    trial = state is Standing.TRIAL
    if state in _STANDINGS and not (trial and lag is not None):
        word, why = _STANDINGS[state]
        return Verdict(level="warn", word=word, why=why)
    what = f"; {_PASSED}" if state is Standing.SLOW else "; it is on trial again" if trial else ""
    if lag is not None:
        return Verdict(level="warn", word="slow", why=slowness(lag) + what, slow_in=lag.what)
    if what:
        why = f"it takes {backend.slowness:.1f} times as long as its peers{what}"
        return Verdict(level="warn", word="slow", why=why)
    return None


def headline(verdicts: Mapping[str, Verdict], *, draining: bool) -> str:
    """Return one sentence about all backends, by name; the worst first."""
    if draining:
        return "Draining: this process is about to stop."
    if not verdicts:
        return "No backends."
    groups: dict[tuple[int, str], list[str]] = {}
    for name, one in verdicts.items():
        if one.level in _WORSE:
            groups.setdefault((_WORSE[one.level], one.word), []).append(name)
    if not groups:
        return "The backend is ready." if len(verdicts) == 1 else "All backends are ready."
    parts = [_are(groups[key], key[1], len(verdicts)) for key in sorted(groups)]
    return "; ".join(parts) + "."


def _are(names: Sequence[str], word: str, all_of_them: int) -> str:
    told = " and ".join(names)
    if len(names) > 2 or len(told) > NAMED:
        told = f"{len(names)} of {all_of_them}"
    return f"{told} {'is' if len(names) == 1 else 'are'} {word}"


def slowness(lag: Lag) -> str:
    """Return in words how much slower than its peers a backend is."""
    return (
        f"{_WAITS[lag.what]} takes {lag.factor:.1f} times as long as elsewhere:"
        f" {_time(lag.own)}, not {_time(lag.others)}"
    )


def _said(record: Record | None) -> str:
    if record is None:
        return ""
    return f"{record.kind}: {record.detail}" if record.detail else record.kind


def _time(seconds: float) -> str:
    if seconds < 0.01:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
