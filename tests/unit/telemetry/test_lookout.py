"""The parts of what is kept for who watches belong together."""

from proxy.telemetry.lookout import Lookout
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with


def test_all_that_observe_calls_are_told_of_them() -> None:
    lookout = Lookout(lambda: 5.0, tuple)
    for reader in lookout.readers:
        reader.finished(ended_call(make_backend(), failure=failed_with()))
    assert len(lookout.recent.records) == len(list(lookout.history.calls())) == 1


def test_the_flow_is_read_from_the_same_calls() -> None:
    lookout = Lookout(lambda: 5.0, tuple)
    lookout.pulse.look(5.0, {})
    lookout.history.finished(ended_call(make_backend()))
    assert lookout.pulse.look(6.0, {}) == {"a": 11.0}
    assert not lookout.chronicle.changes
