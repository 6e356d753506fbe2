"""Whose fault it is that nothing moves."""

import pytest

from proxy.core.failure import Kind, Phase
from proxy.edge.slowness import Clock
from proxy.settings.schema import Limits, Timeouts

LIMITS = Limits(body_timeout=4.0)
TIMEOUTS = Timeouts(connect=2.0, first_token=6.0, idle=3.0)


def late(
    phase: Phase, seconds: float, *, sending: bool = False, reading: bool = True, off: bool = False
) -> Kind | None:
    """Return what is late after so much silence."""
    timeouts = Timeouts(connect=0.0, first_token=0.0, idle=0.0) if off else TIMEOUTS
    found = Clock(LIMITS, 100.0).late(
        phase, timeouts, 100.0 + seconds, sending=sending, reading=reading
    )
    return None if found is None else found.kind


@pytest.mark.parametrize(
    ("phase", "limit", "sending", "reading", "kind"),
    [
        (Phase.CONNECT, 2.0, True, True, Kind.CONNECT_TIMEOUT),
        (Phase.WAIT, 6.0, False, True, Kind.FIRST_TOKEN_TIMEOUT),
        (Phase.WAIT, 4.0, True, True, Kind.REQUEST_TIMEOUT),
        (Phase.STREAM, 3.0, False, True, Kind.IDLE_TIMEOUT),
        (Phase.STREAM, 3.0, True, True, Kind.IDLE_TIMEOUT),
        (Phase.STREAM, 60.0, False, False, Kind.SLOW_READER),
    ],
)
def test_each_phase_has_its_limit(
    phase: Phase, limit: float, *, sending: bool, reading: bool, kind: Kind
) -> None:
    assert late(phase, limit - 0.1, sending=sending, reading=reading) is None
    assert late(phase, limit, sending=sending, reading=reading) is kind


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.WAIT, Phase.STREAM])
def test_a_limit_of_0_is_none(phase: Phase) -> None:
    assert late(phase, 1e6, off=True) is None


def test_what_moves_is_not_late_and_the_whole_has_a_limit_of_its_own() -> None:
    clock = Clock(LIMITS, 100.0)
    clock.deadline = 110.0
    for now in (103.0, 106.0, 109.0):
        clock.moved += 1
        assert clock.late(Phase.STREAM, TIMEOUTS, now, sending=False, reading=True) is None
    clock.moved += 1
    found = clock.late(Phase.STREAM, TIMEOUTS, 110.0, sending=False, reading=True)
    assert found is not None
    assert (found.kind, found.code) == (Kind.TOTAL_TIMEOUT, "TS")
