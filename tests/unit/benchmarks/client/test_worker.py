"""A worker reads whole messages, and knows the end of its pipe."""

import io

from benchmarks.client.wire import Begin, frame
from benchmarks.client.worker import take


def test_messages_are_read_one_by_one() -> None:
    pipe = io.BytesIO(frame(Begin(at_ns=1)) + frame(Begin(at_ns=2)))

    assert [take(pipe), take(pipe), take(pipe)] == [Begin(at_ns=1), Begin(at_ns=2), None]


def test_a_message_cut_short_is_the_end() -> None:
    assert take(io.BytesIO(frame(Begin(at_ns=1))[:-1])) is None
