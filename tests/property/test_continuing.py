"""A stream that may go on elsewhere, with anything happening to it: the text is never wrong."""

from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.settings.schema import Timeouts
from tests.fixtures.continuing import STOP, body, events, said
from tests.fixtures.course import World
from tests.fixtures.ends import DONE, LAST, ROLE, SSE, EngineEnd, chunk, token

WORDS: Final = [f"{' ' if number else ''}w{number}" for number in range(6)]
WHOLE: Final = "".join(WORDS)
ERROR: Final = b'data: {"error":{"message":"boom","code":500}}\n\n'
REFUSED: Final = Failure(
    kind=Kind.CONNECT_REFUSED,
    origin=Origin.BACKEND,
    phase=Phase.CONNECT,
    detail="nothing listens",
    retryable=True,
    free=True,
)
STOPPING: Final = Failure(
    kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.QUEUE, detail="stopping"
)
ACTIONS: Final = (
    *("connect", "speak", "speak", "speak", "speak", "wait"),
    *("refuse", "reset", "half", "error", "unended", "silence", "refusal"),
    *("pause", "resume", "leave", "drain"),
)


class Play:
    """One call, the engine that speaks to it, and what may happen to either."""

    def __init__(self) -> None:
        self.world = World("abcd", timeouts=Timeouts(idle=5.0, first_token=5.0))
        self.client = self.world.ask(body=body(), continues=True)
        self.end: EngineEnd | None = None
        self._begun = False
        self._at = 0

    def act(self, action: str) -> None:
        """Let it happen, if it can."""
        getattr(self, f"_{action}")()
        if self.end is not None and self.end.gone:
            self.end = None

    def finish(self) -> None:
        """Let all that is left go well."""
        self.act("resume")
        for _ in range(40):
            if self.client.end:
                break
            self.act("wait")
            self.act("connect")
            self.act("speak")
        self.world.pass_time(60.0)

    def _connect(self) -> None:
        for pool in self.world.pools.values():
            if pool.dials and not pool.dials[-1].over:
                self.end = pool.dials[-1].connect()
                asked = msgspec.json.decode(self.end.asked.partition(b"\r\n\r\n")[2])
                last = asked["messages"][-1]
                self._at = len(last["content"].split()) if last["role"] == "assistant" else 0
                self._begun = False

    def _refuse(self) -> None:
        for pool in self.world.pools.values():
            if pool.dials and not pool.dials[-1].over:
                pool.dials[-1].fail(REFUSED)

    def _send(self, data: bytes) -> None:
        if self.end is None or self.end.wire.paused:
            return
        self.end.send(data if self._begun else SSE + chunk(ROLE) + data)
        self._begun = True

    def _speak(self) -> None:
        if self.end is None or self.end.wire.paused:
            return
        if self._at < len(WORDS):
            self._at += 1
            self._send(chunk(token(WORDS[self._at - 1])))
        else:
            self._send(chunk(STOP) + chunk(DONE) + LAST)
            self.end = None

    def _half(self) -> None:
        self._send(chunk(token("never"))[:30])
        self._reset()

    def _error(self) -> None:
        self._send(chunk(ERROR))

    def _unended(self) -> None:
        self._send(LAST)
        self.end = None

    def _refusal(self) -> None:
        if self.end is not None and not self._begun:
            self.end.send(b"HTTP/1.1 400 X\r\ncontent-length: 2\r\n\r\n{}")
            self.end = None

    def _reset(self) -> None:
        if self.end is not None:
            self.end.reset()

    def _wait(self) -> None:
        self.world.pass_time(0.3)

    def _silence(self) -> None:
        self.world.pass_time(7.0)

    def _pause(self) -> None:
        if self.client.attempts is not None and not self.client.end:
            self.client.attempts.client_paused()

    def _resume(self) -> None:
        attempts = self.client.attempts
        if attempts is not None and not self.client.end and attempts.paused_at:
            attempts.client_resumed()

    def _leave(self) -> None:
        self.client.leave()

    def _drain(self) -> None:
        if self.client.attempts is not None:
            self.client.attempts.stop(STOPPING)


@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=40))
def test_whatever_happens_the_text_is_right_and_the_end_honest(actions: list[str]) -> None:
    play = Play()

    for action in actions:
        if play.client.end:
            break
        play.act(action)
    play.finish()

    client, world = play.client, play.world
    assert client.end
    world.assert_at_rest()
    answer = client.answer
    if answer.status != 200:
        return
    assert answer.body.endswith(b"\n\n")  # whole events, whatever the engines sent
    assert WHOLE.startswith(said(client))
    assert not answer.surplus
    if client.end == "--":
        assert said(client) == WHOLE
        assert answer.complete
        assert answer.body.count(DONE) == 1
        assert not [event for event in events(client) if "error" in event]
    else:
        assert not answer.complete
        assert DONE not in answer.body
        assert client.gone or "error" in events(client)[-1]
