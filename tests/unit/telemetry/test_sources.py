"""The state of a source before it has said anything."""

from proxy.telemetry.sources import SourceState


def test_a_source_that_was_not_heard_has_nothing_and_is_not_up() -> None:
    state = SourceState(name="dns a")

    assert not state.heard
    assert not state.current
    assert (state.backends, state.failures, state.problems) == (0, 0, ())
