"""A body without a model: the only one there is, or the names to choose from."""

from collections.abc import Callable

import pytest

from proxy.core.catalog import Model, build
from proxy.core.failure import Kind
from tests.fixtures.course import World


def two_models() -> World:
    """Return a world whose backend `a` serves `m` and `b` serves `n`."""
    world = World("ab")
    served = {world.backends["a"]: [Model(id="m")], world.backends["b"]: [Model(id="n")]}
    world.course.directory.swap(build(served, {"both": ["m", "n"]}))
    return world


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"content":"x"}', b'{"model":"m","content":"x"}'),
        (b' \n{ "content": "x" }', b'{"model":"m", "content": "x" }'),
        (b"{}", b'{"model":"m"}'),
        (b"{ }\n", b'{"model":"m" }\n'),
    ],
)
def test_the_only_model_is_meant(body: bytes, sent: bytes) -> None:
    world = World("ab", aliases={"other": ["m"]})

    client, engine = world.asked(path="/tokenize", body=body)

    assert client.call.model == "m"
    assert engine.asked.endswith(b"\r\n\r\n" + sent)


def test_an_engine_gets_its_own_name_of_the_only_model() -> None:
    world = World("a", native="org/m")

    engine = world.asked(path="/tokenize", body=b'{"content":"x"}')[1]

    assert engine.asked.endswith(b'{"model":"org/m","content":"x"}')


@pytest.mark.parametrize("make", [two_models, World])
def test_ollama_s_show_may_say_name(make: Callable[[], World]) -> None:
    world = make()

    client = world.ask(path="/api/show", body=b'{"name":"m"}')
    assert (client.call.model, client.call.status) == ("m", 200)
    assert world.ask(path="/api/show", body=b'{"name":"x"}').refusals[0].kind is Kind.UNKNOWN_MODEL


@pytest.mark.parametrize("body", [b'{"name":3}', b'{"name":""}', b'{"name":null}', b"{}"])
def test_a_name_that_is_none_is_a_missing_model(body: bytes) -> None:
    refused = two_models().ask(path="/api/show", body=body).refusals[0]

    assert refused.detail == "the body has no `model`; there are m, n"


def test_elsewhere_a_name_is_no_model() -> None:
    client = two_models().ask(path="/api/chat", body=b'{"name":"m"}')

    assert client.refusals[0].kind is Kind.BAD_REQUEST


@pytest.mark.parametrize("where", [{"scope": "b"}, {"pin": "b"}])
def test_a_scope_with_one_model_leaves_no_choice(where: dict[str, str]) -> None:
    world = two_models()

    client = world.ask(path="/tokenize", body=b'{"content":"x"}', **where)  # type: ignore[arg-type] # str each

    assert client.call.model == "n"
    assert len(world.pools["b"].dials) == 1


def test_of_several_models_the_names_are_told() -> None:
    client = two_models().ask(body=b'{"messages":[]}')

    assert client.refusals[0].kind is Kind.BAD_REQUEST
    assert client.refusals[0].detail == "the body has no `model`; there are m, n"
    assert client.call.end == "CR"


def test_not_all_of_many_names_are_told() -> None:
    world = World("a")
    many = [Model(id=f"m{number:02}") for number in range(30)]
    world.course.directory.swap(build({world.backends["a"]: many}, {}))

    detail = world.ask(body=b"{}").refusals[0].detail

    assert detail.endswith("m08, m09, ...")


def test_without_any_model_the_body_is_to_blame() -> None:
    world = World("a")
    world.course.directory.swap(build({}, {}))

    assert world.ask(body=b"{}").refusals[0].detail == "the body has no `model`"


@pytest.mark.parametrize("body", [b'{"Model":"m"}', b"[]", b'{"model":null}', b"{", b""])
def test_whatever_else_is_wrong_stays_wrong(body: bytes) -> None:
    world = World("a")

    assert len(world.ask(body=body).refusals) == 1
    assert not world.pools["a"].dials


def test_a_scope_there_is_not_is_told_first() -> None:
    client = World("a").ask(body=b"{}", scope="nope")

    assert client.refusals[0].kind is Kind.UNKNOWN_SCOPE
