"""Bodies and heads of every API."""

import msgspec
import pytest

from benchmarks.client.requests import Heads, body, get, prompt
from benchmarks.client.target import Api, EndpointError, Stamp, Target
from benchmarks.load.planned import Planned, Schedule

PLANNED = Planned(input_tokens=20, output_tokens=7)
SCHEDULE = Schedule(requests=(PLANNED, PLANNED), span=1.0)


def target(**more: object) -> Target:
    return Target(name="t", url="http://h:1", model="m", **more)  # type: ignore[arg-type]


def decoded(to: Target) -> dict[str, object]:
    return msgspec.json.decode(body(to, PLANNED, SCHEDULE, 0), type=dict[str, object])


def test_chat_asks_for_exact_lengths_and_usage() -> None:
    asked = decoded(target())

    assert asked["max_tokens"] == 7
    assert asked["ignore_eos"] is True
    assert asked["stream"] is True
    assert asked["stream_options"] == {"include_usage": True}


def test_what_strict_endpoints_refuse_can_be_left_out() -> None:
    assert "ignore_eos" not in decoded(target(ignore_eos=False))
    assert "stream_options" not in decoded(target(stream=False))
    assert "ignore_eos" not in decoded(target(api=Api.MESSAGES))


@pytest.mark.parametrize(
    ("api", "at", "limit"),
    [
        (Api.COMPLETIONS, "prompt", {"max_tokens": 7}),
        (Api.RESPONSES, "input", {"max_output_tokens": 7}),
        (Api.MESSAGES, "messages", {"max_tokens": 7}),
        (Api.OLLAMA, "messages", {"options": {"num_predict": 7, "temperature": 0}}),
    ],
)
def test_each_api_has_its_names(api: Api, at: str, limit: dict[str, object]) -> None:
    asked = decoded(target(api=api))

    assert asked[at]
    assert limit.items() <= asked.items()
    assert asked["model"] == "m"


def test_two_requests_say_different_things_and_a_session_goes_on() -> None:
    short = Planned(input_tokens=20, output_tokens=1, session=3)
    long = Planned(input_tokens=90, output_tokens=1, session=3, turn=1)

    assert prompt(target(), PLANNED, SCHEDULE, 0) != prompt(target(), PLANNED, SCHEDULE, 1)
    assert prompt(target(), long, SCHEDULE, 1).startswith(prompt(target(), short, SCHEDULE, 0))


def test_only_a_side_log_needs_a_tag() -> None:
    assert "bench-tag:" in prompt(target(stamp=Stamp.SIDELOG), PLANNED, SCHEDULE, 0)
    assert "bench-tag:" not in prompt(target(stamp=Stamp.FIELD), PLANNED, SCHEDULE, 0)


def test_the_head_names_the_host_and_the_length() -> None:
    message = Heads(target(api_key="k", headers=(("X-A", "1"),))).message(b"{}")

    assert message.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h:1\r\n")
    assert b"\r\nauthorization: Bearer k\r\n" in message
    assert b"\r\nx-a: 1\r\n" in message
    assert message.endswith(b"\r\ncontent-length: 2\r\n\r\n{}")


def test_messages_has_its_own_key_header() -> None:
    message = Heads(target(api=Api.MESSAGES, api_key="k")).message(b"")

    assert b"\r\nx-api-key: k\r\n" in message
    assert b"authorization" not in message


def test_a_header_cannot_end_the_head() -> None:
    with pytest.raises(EndpointError, match="line break"):
        get(target(headers=(("a", "b\r\nc: d"),)), "/")
