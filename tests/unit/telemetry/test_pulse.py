"""Tokens per second, from looks at streams that run and at those that ended in between."""

from collections.abc import Callable

import pytest

from proxy.core.call import Call
from proxy.telemetry.history import History
from proxy.telemetry.pulse import Pulse
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call


class Relay:
    """What passes an answer on."""

    def __init__(self) -> None:
        self.chunks = 0


class Attempts:
    """A call under way."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.relay: Relay | None = Relay()

    def come(self, chunks: int) -> None:
        assert self.relay is not None
        self.relay.chunks += chunks


Scene = tuple[list[Attempts], History, Pulse]


@pytest.fixture
def scene() -> Scene:
    running: list[Attempts] = []
    history = History(lambda: 0.0)
    return running, history, Pulse(history, lambda: running)


def stream(name: str = "a") -> Attempts:
    return Attempts(ended_call(make_backend(name)))


def test_the_first_look_knows_nothing(scene: Scene) -> None:
    assert scene[2].look(10.0, {}) is None


def test_pieces_of_running_streams_are_counted_between_looks(scene: Scene) -> None:
    running, _, pulse = scene
    running += [stream(), stream("b")]
    running[0].come(500)
    pulse.look(10.0, {})
    running[0].come(30)
    running[1].come(10)
    assert pulse.look(11.0, {"b": 2.0}) == {"a": 30.0, "b": 20.0}


def test_the_figure_is_a_mean_of_three_seconds(scene: Scene) -> None:
    running, _, pulse = scene
    running += [stream()]
    pulse.look(10.0, {})
    for second, chunks in enumerate([90, 30, 0], 11):
        running[0].come(chunks)
        pulse.look(float(second), {})
    assert pulse.look(14.0, {}) == {"a": 10.0}, "30 in the last three seconds"


def test_a_stream_that_ended_counts_what_it_brought_since(scene: Scene) -> None:
    running, history, pulse = scene
    running += [stream()]
    running[0].come(5)
    pulse.look(10.0, {})
    ended = running.pop().call
    ended.chunks = 13
    history.finished(ended)
    history.finished(ended_call(make_backend("b")))  # it began and ended in between: 11 tokens
    assert pulse.look(11.0, {}) == {"a": 8.0, "b": 11.0}
    assert pulse.look(12.0, {}) == {"a": 4.0, "b": 5.5}, "and no more of it"


def test_a_plain_answer_counts_when_it_is_there(scene: Scene) -> None:
    _, history, pulse = scene
    pulse.look(10.0, {})
    history.finished(ended_call(make_backend(), stream=False))
    assert pulse.look(11.0, {}) == {"a": 11.0}


def test_calls_that_wait_or_reached_nobody_bring_nothing(scene: Scene) -> None:
    running, history, pulse = scene
    running += [stream(), Attempts(ended_call(None))]
    running[0].relay = None
    pulse.look(10.0, {})
    history.finished(ended_call(None))
    assert pulse.look(11.0, {}) == {}


def test_who_asks_again_at_once_hears_the_same(scene: Scene) -> None:
    running, _, pulse = scene
    running += [stream()]
    pulse.look(10.0, {})
    running[0].come(30)
    first = pulse.look(11.0, {})
    running[0].come(30)
    assert pulse.look(11.2, {}) == first == {"a": 30.0}


def test_after_a_long_silence_it_begins_anew(scene: Scene) -> None:
    running, _, pulse = scene
    look: Callable[[float], object] = lambda now: pulse.look(now, {})  # noqa: E731 - it is short
    running += [stream()]
    look(10.0)
    look(11.0)
    running[0].come(3000)
    assert look(60.0) is None
    running[0].come(7)
    assert look(61.0) == {"a": 7.0}
