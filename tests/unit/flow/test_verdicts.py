"""Verdicts: what an engine's error means by its profile, and what follows."""

import pytest

from proxy.core.backend import Backend
from proxy.core.breaker import Blame, blame
from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.inband import ErrorEvent
from proxy.dialects.registry import engine
from proxy.flow import verdicts
from proxy.upstream.framing import parse_head
from tests.fixtures.course import World
from tests.fixtures.ends import head, plain


def answered(kind: str, status: int, body: bytes, *, other_way: bool = False) -> Failure:
    parsed = parse_head(head(status, b"content-length: 5"))
    return verdicts.of_answer(engine(kind), parsed, body, other_way=other_way)


@pytest.mark.parametrize(
    ("kind", "status", "body", "retryable", "weight"),
    [
        ("llamacpp", 500, b"parse error", False, Blame.NONE),
        ("llamacpp", 503, b"Loading model", True, Blame.NONE),
        ("vllm", 503, b"full", True, Blame.SOFT),
        ("vllm", 404, b"The model `x` does not exist.", True, Blame.NONE),
        ("vllm", 401, b"", True, Blame.SOFT),
        ("sglang", 503, b"going", True, Blame.NONE),
        ("openai", 503, b"", True, Blame.PLAIN),
        ("openai", 422, b"", False, Blame.NONE),
    ],
)
def test_the_condition_counts_for_more_than_the_status(
    kind: str, status: int, body: bytes, retryable: bool, weight: Blame
) -> None:
    failure = answered(kind, status, body)

    assert failure.retryable is retryable
    assert blame(failure) is weight
    assert (failure.origin is Origin.BACKEND) is retryable


def test_an_engine_without_the_path_is_asked_in_another_way_for_free() -> None:
    found = answered("vllm", 404, b'{"detail":"Not Found"}', other_way=True)

    assert (found.condition, found.free, found.retryable) == (verdicts.PATH_MISSING, True, True)
    assert blame(found) is Blame.NONE
    assert not answered("vllm", 404, b'{"detail":"Not Found"}').retryable
    model = answered("vllm", 404, b"The model `x` does not exist.", other_way=True)
    assert model.condition == "model-missing"


@pytest.mark.parametrize(
    ("status", "message", "retryable", "weight"),
    [
        (400, b"too long", False, Blame.NONE),
        (401, b"no", True, Blame.SOFT),
        (429, b"full", True, Blame.SOFT),
        (503, b"full", True, Blame.SOFT),
        (500, b"oh", True, Blame.PLAIN),
        (None, b"oh", True, Blame.PLAIN),
    ],
)
def test_an_error_under_status_200_is_judged_like_a_status(
    status: int | None, message: bytes, retryable: bool, weight: Blame
) -> None:
    error = ErrorEvent(status=status, message=message.decode())

    failure = verdicts.of_event(engine("vllm"), error, message)

    assert failure.kind is Kind.ERROR_EVENT
    assert failure.retryable is retryable
    assert blame(failure) is weight


def reacted(world: World, condition: str) -> None:
    call = Call("id-1", "/v1/messages", world.now())
    call.native_model = "m"
    failure = Failure(
        kind=Kind.STATUS,
        origin=Origin.BACKEND,
        phase=Phase.WAIT,
        detail="x",
        status=503,
        condition=condition,
    )
    verdicts.react(world.course, call, world.backends["a"], failure)


def test_a_model_that_is_denied_is_looked_up_again() -> None:
    world = World("ab")
    asked: list[Backend] = []
    world.course.reread = asked.append

    reacted(world, "model-missing")

    assert asked == [world.backends["a"]]
    assert (world.backends["a"], "m") in world.course.missing


def test_a_refused_key_is_an_alarm() -> None:
    world = World("ab")
    heard = []
    world.course.alarm = lambda backend, failure: heard.append((backend.name, failure.condition))

    reacted(world, "auth")

    assert heard == [("a", "auth")]


def test_an_engine_that_rests_is_passed_over_and_checked() -> None:
    world = World("ab")
    backend = world.backends["a"]

    reacted(world, "sleeping")

    assert world.suspects == [backend]
    backend.available(world.now())
    assert backend.penalty > 0
    assert backend.breaker.run == 0


def test_a_path_an_engine_lacks_is_remembered_until_it_is_another_engine() -> None:
    world = World("ab")
    side = world.course.sides[world.backends["a"]]

    reacted(world, verdicts.PATH_MISSING)
    assert not side.speaks("/v1/messages")

    side.recognised(engine("sglang"))
    assert side.speaks("/v1/messages")


def test_a_backend_that_denies_a_model_draws_no_traffic() -> None:
    world = World("ab")
    world.backends["b"].priority = 0
    denied = plain(b'{"error":{"message":"The model `m` does not exist.","code":404}}', 404)
    client, end = world.asked("a", body=b'{"model":"m"}', pin="a")
    end.send(denied)
    assert client.answer.status == 404

    for _ in range(3):
        later, other = world.asked("b", body=b'{"model":"m"}')
        other.send(plain(b'{"choices":[]}'))
        assert later.call.attempts == 1
        world.pools["b"].close()
    assert len(world.pools["a"].dials) == 1
