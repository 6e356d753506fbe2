"""Intake: what a call says of itself, and the backends it may go to."""

from typing import Any

import pytest

from proxy.core.failure import Kind
from proxy.dialects.registry import engine
from tests.fixtures.course import World
from tests.fixtures.fleet import take_down


def test_a_call_is_described_by_its_request() -> None:
    world = World("a")
    body = b'{"model":"m","stream":true,"max_tokens":3,"messages":[]}'

    call = world.ask(body=body, timeout=9.0, priority=2).call

    assert (call.model, call.stream, call.priority, call.surface) == ("m", True, 2, "openai")
    assert type(call.model) is str
    assert call.body_size == len(body)
    assert call.prompt_work == len(body) / 4
    assert call.output_work == 3.0
    assert call.deadline == call.received_at + 9.0


@pytest.mark.parametrize("limit", [b"-1", b"-1e300", b"null"])
def test_a_limit_that_is_none_makes_no_negative_work(limit: bytes) -> None:
    world = World("a")

    world.ask(body=b'{"model":"m","max_tokens":' + limit + b"}")

    assert world.backends["a"].work > 0


def test_a_null_stream_is_no_stream() -> None:
    world = World("a")

    assert world.ask(body=b'{"model":"m","stream":null}').call.stream is False


def test_only_engines_that_know_the_path_are_asked() -> None:
    world = World("ab")
    world.course.sides[world.backends["a"]].engine = engine("llamacpp")

    world.ask(path="/v1/score", body=b'{"model":"m"}')

    assert not world.pools["a"].dials
    assert len(world.pools["b"].dials) == 1


def test_a_pin_is_held_against_the_path_too() -> None:
    world = World("ab")
    world.course.sides[world.backends["a"]].engine = engine("llamacpp")

    client = world.ask(path="/v1/score", body=b'{"model":"m"}', pin="a")

    assert client.refusals[0].kind is Kind.UNKNOWN_PATH
    assert "at 'a'" in client.refusals[0].detail


def test_a_refused_request_has_ended_before_its_client_hears_of_it() -> None:
    world = World("a")

    client = world.ask(body=b'{"model":"nope"}')

    assert client.call.end == "CR"
    assert client.call.failure is client.refusals[0]
    assert client.call.body == b""
    assert world.books.statuses == [404]


def test_a_long_name_is_not_repeated_whole() -> None:
    client = World("a").ask(body=b'{"model":"%b"}' % (b"x" * 500))

    assert len(client.refusals[0].detail) < 300


def test_a_model_nobody_lists_is_unknown_only_when_everybody_has_been_heard() -> None:
    world = World("a")
    world.course.unheard = lambda: ["late"]

    early = world.ask(body=b'{"model":"other"}').refusals[0]
    world.course.unheard = tuple
    late = world.ask(body=b'{"model":"other"}').refusals[0]

    assert (early.kind, early.retry_after) == (Kind.NO_BACKEND, 1.0)
    assert "late" in early.detail
    assert late.kind is Kind.UNKNOWN_MODEL


def kinds(world: World, *known: str) -> World:
    """Make the backends of a world be of these kinds."""
    for backend, kind in zip(world.backends.values(), known, strict=True):
        backend.kind = kind
        world.course.sides[backend].engine = engine(kind)
    return world


@pytest.mark.parametrize("scope", ["b", "llamacpp"])
def test_a_scope_is_all_a_request_may_go_to(scope: str) -> None:
    world = kinds(World("ab"), "vllm", "llamacpp")

    world.ask(scope=scope)

    assert not world.pools["a"].dials
    assert len(world.pools["b"].dials) == 1


@pytest.mark.parametrize(
    ("request_", "kind", "said"),
    [
        ({"scope": "c"}, Kind.UNKNOWN_SCOPE, "a, b, llamacpp, vllm"),
        ({"scope": "b", "body": b'{"model":"no"}'}, Kind.UNKNOWN_MODEL, "'b' does not serve"),
        ({"scope": "c", "body": b'{"model":"no"}'}, Kind.UNKNOWN_SCOPE, ""),
        ({"scope": "b", "path": "/v1/score"}, Kind.UNKNOWN_PATH, "/v1/score"),
        ({"scope": "vllm", "pin": "b"}, Kind.UNKNOWN_MODEL, "'vllm' does not serve"),
        ({"pin": "c"}, Kind.UNKNOWN_BACKEND, "no backend 'c'"),
    ],
)
def test_a_scope_fails_closed(request_: dict[str, Any], kind: Kind, said: str) -> None:
    world = kinds(World("ab"), "vllm", "llamacpp")

    failure = world.ask(**request_).refusals[0]

    assert failure.kind is kind
    assert said in failure.detail
    assert not any(pool.dials for pool in world.pools.values())


def test_a_backend_of_a_scope_that_has_not_been_heard_is_waited_for() -> None:
    world = World("ab")
    world.course.unheard = lambda: ["b"]
    other = b'{"model":"other"}'

    assert world.ask(scope="b", body=other).refusals[0].kind is Kind.NO_BACKEND
    assert world.ask(scope="a", body=other).refusals[0].kind is Kind.UNKNOWN_MODEL


def test_a_call_whose_scope_is_down_waits_and_never_goes_elsewhere() -> None:
    world = World("ab", queue_timeout=2.0)
    take_down(world.backends["b"], world.time)

    client = world.ask(scope="b")
    world.pass_time(3.5)

    assert client.refusals[0].kind is Kind.QUEUE_TIMEOUT
    assert client.answer.status == 503
    assert not world.pools["a"].dials
    world.assert_at_rest()


def test_a_tag_that_ollamas_clients_add_names_the_same_model() -> None:
    world = World("a")
    body = b'{"model":"m:latest","stream":false,"messages":[{"role":"user","content":"hi"}]}'

    client, end = world.asked("a", path="/api/chat", body=body)
    assert b'"model":"m"' in end.asked
    assert client.call.model == "m:latest"

    assert world.ask(body=b'{"model":"m:latest"}').refusals[0].kind is Kind.UNKNOWN_MODEL
