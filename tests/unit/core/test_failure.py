"""The failure value: its end code, and that its names stay what logs and clients know."""

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase


@pytest.mark.parametrize(
    ("origin", "phase", "code"),
    [
        (Origin.CLIENT, Phase.READ, "CR"),
        (Origin.PROXY, Phase.QUEUE, "PQ"),
        (Origin.BACKEND, Phase.CONNECT, "BC"),
        (Origin.DEADLINE, Phase.WAIT, "TW"),
        (Origin.BACKEND, Phase.STREAM, "BS"),
    ],
)
def test_the_end_code_says_who_and_when(origin: Origin, phase: Phase, code: str) -> None:
    failure = Failure(kind=Kind.INTERNAL, origin=origin, phase=phase, detail="x")

    assert failure.code == code


def test_nothing_is_retried_unless_it_says_so() -> None:
    failure = Failure(kind=Kind.CLOSED, origin=Origin.BACKEND, phase=Phase.WAIT, detail="x")

    assert not failure.retryable
    assert not failure.free


def test_kinds_are_codes() -> None:
    assert len({kind.value for kind in Kind}) == len(Kind)
    assert all(kind.value.replace("_", "").isalpha() and kind.value.islower() for kind in Kind)
