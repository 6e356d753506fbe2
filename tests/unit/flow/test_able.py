"""Able: which backends a call may be sent to, or the reason why there is none."""

import msgspec
import pytest

from proxy.core.failure import Kind
from proxy.dialects.registry import engine
from tests.fixtures.course import World
from tests.fixtures.ends import FakeClient

MESSAGES = "/v1/messages"
BODY = b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'


def refused(client: FakeClient) -> tuple[Kind, str]:
    (failure,) = client.refusals
    return failure.kind, failure.detail


def test_a_path_no_engine_has_and_that_cannot_be_translated_is_not_there() -> None:
    kind, detail = refused(World("ab", kind="tgi").ask(path="/v1/rerank"))

    assert kind is Kind.UNKNOWN_PATH
    assert detail == "no engine that serves 'm' has /v1/rerank"


def test_a_backend_that_is_insisted_on_is_named() -> None:
    world = World("ab", kind="tgi")
    assert refused(world.ask(pin="c"))[0] is Kind.UNKNOWN_BACKEND
    assert refused(world.ask(pin="b", path="/v1/rerank")) == (
        Kind.UNKNOWN_PATH,
        "no engine at 'b' that serves 'm' has /v1/rerank",
    )


def test_a_body_goes_only_where_it_fits() -> None:
    world = World("ab")
    world.course.least_body = 100
    side = world.course.sides[world.backends["a"]]
    side.recognised(msgspec.structs.replace(engine("vllm"), max_body=100))
    body = b'{"model":"m","x":"%b"}' % (b"y" * 100)

    world.ask(body=body)
    assert not world.pools["a"].dials
    assert world.pools["b"].dials

    kind, detail = refused(world.ask(body=body, pin="a"))
    assert kind is Kind.TOO_LARGE
    assert "take 100" in detail


@pytest.mark.parametrize("names", ["a", "ab"])
def test_a_backend_that_denied_the_model_is_left_out_unless_all_did(names: str) -> None:
    world = World(names)
    world.course.missing[world.backends["a"], "m"] = world.now() + 30.0

    world.ask()

    assert bool(world.pools["a"].dials) is (names == "a")


def test_a_denial_is_forgotten_after_a_while() -> None:
    world = World("ab")
    world.course.missing[world.backends["a"], "m"] = world.now() + 30.0
    world.pass_time(31.0)

    world.ask()

    assert world.pools["a"].dials
    assert not world.course.missing


def test_an_engine_without_the_dialect_can_be_asked_all_the_same() -> None:
    world = World("a", kind="tgi")

    _, end = world.asked("a", path=MESSAGES, body=BODY)

    assert end.asked.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
