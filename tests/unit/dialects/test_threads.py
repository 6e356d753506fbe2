"""Threads: which requests are turns of one, and how a client learns that none is kept."""

import orjson
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects import threads
from proxy.dialects.openai_api import error_body


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"model":"m","thread":{"type":"create"},"messages":[]}', True),
        (b'{"thread":{"type":"continue","previous_message_id":"msg_1"}}', True),
        (b'{"thread":null}', False),
        (b'{"model":"m","messages":[{"role":"user","content":"\\"thread\\""}]}', False),
        (b'{"thread"', False),
        (b'["thread"]', False),
        (b'{"thread":null,"a":"\xff"}', False),
        (b'{"thread":null,"a":"%b"}' % (b"x" * 2_000_000), False),
        (b'{"thread":null,"a":[%b1]}' % (b"1," * 600_000), True),
    ],
)
def test_a_turn_of_a_thread_names_it(body: bytes, wanted: bool) -> None:
    assert threads.wanted(body) is wanted


@pytest.mark.parametrize(("param", "told"), [("thread", True), ("max_tokens", False)])
def test_the_refusal_has_the_details_by_which_clients_know_it(param: str, told: bool) -> None:
    failure = Failure(
        kind=Kind.BAD_REQUEST, origin=Origin.CLIENT, phase=Phase.READ, detail="No.", param=param
    )

    error = orjson.loads(error_body("anthropic", failure, "r1"))["error"]
    assert ("details" in error) is told
    if told:
        assert error["details"]["error_code"] == "thread_unsupported_request"
        assert error["details"]["unsupported"] == ["message_threads"]
    assert "details" not in orjson.loads(error_body("openai", failure, "r1"))["error"]
