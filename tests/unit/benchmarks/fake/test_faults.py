"""Which request meets which fault."""

import msgspec
import pytest

from benchmarks.fake.faults import Fault, Faults, Kind, Where


@pytest.fixture
def faults() -> Faults:
    """Return faults of an engine that does not care."""
    return Faults(0, lambda: None)


def test_only_the_next_ones(faults: Faults) -> None:
    faults.set(Fault(kind=Kind.CUT, next=2), Fault(kind=Kind.STATUS))
    kinds = [fault.kind for _ in range(4) if (fault := faults.take(generates=True))]

    assert kinds == [Kind.CUT, Kind.CUT, Kind.STATUS, Kind.STATUS]
    assert faults.hits == {"cut": 2, "status": 2}


def test_a_fraction_is_about_that_share_and_the_same_every_time() -> None:
    def run() -> list[bool]:
        faults = Faults(1, lambda: None)
        faults.set(Fault(kind=Kind.HANG, fraction=0.3))
        return [faults.take(generates=True) is not None for _ in range(1000)]

    assert 250 < sum(run()) < 350
    assert run() == run()


@pytest.mark.parametrize(
    ("where", "generate", "probe"),
    [(Where.GENERATE, True, False), (Where.PROBES, False, True), (Where.ALL, True, True)],
)
def test_where(faults: Faults, where: Where, *, generate: bool, probe: bool) -> None:
    faults.set(Fault(kind=Kind.EMPTY, where=where))

    assert (faults.take(generates=True) is not None) is generate
    assert (faults.take(generates=False) is not None) is probe


def test_faults_of_connections_do_not_strike_requests(faults: Faults) -> None:
    faults.set(Fault(kind=Kind.REFUSE, where=Where.ALL), Fault(kind=Kind.CLOSE_ACCEPT, next=1))

    assert faults.take(generates=True) is None
    assert [fault.kind for fault in (faults.take_connection(),) if fault] == [Kind.CLOSE_ACCEPT]
    assert faults.take_connection() is None
    assert faults.standing(Kind.REFUSE) is not None


def test_every_change_is_heard() -> None:
    heard: list[bool] = []
    watched = Faults(0, lambda: heard.append(watched.active))
    watched.set(Fault(kind=Kind.DOWN))
    watched.clear()

    assert heard == [True, False]
    assert list(watched) == []


def test_a_misspelt_fault_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind":"cut","aftr":3}', type=Fault)
