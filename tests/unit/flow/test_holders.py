"""Who may be asked for what lives at one engine only."""

import pytest

from proxy.core.catalog import Model, build
from proxy.core.failure import Failure, Kind
from proxy.dialects.openai_api import Operation
from proxy.dialects.passages import Passage, find
from proxy.dialects.registry import engine
from proxy.flow.course import Request
from proxy.flow.holders import Holder, holders, unavailable
from tests.fixtures.course import World

FILES = find("/v1/files")
REALTIME = find("/v1/realtime")


def world(**kinds: str) -> World:
    made = World("".join(kinds))
    for name, kind in kinds.items():
        made.backends[name].kind = kind
        made.course.sides[made.backends[name]].engine = engine(kind)
    return made


def found(
    made: World, passage: Passage | None, *, scope: str = "", pin: str = "", model: str = ""
) -> str | Failure:
    """Return the names of those that may be asked, or the failure."""
    assert passage is not None
    request = Request(Operation(path=passage.path, name="x"), ())
    request.scope, request.pin = scope or None, pin or scope or None
    got = holders(made.course, passage, request, model)
    return got if isinstance(got, Failure) else "".join(holder.backend.name for holder in got)


def test_the_only_one_that_has_it_is_asked() -> None:
    assert found(world(a="vllm", b="openai"), FILES) == "b"


@pytest.mark.parametrize(
    ("where", "kind", "said"),
    [
        ({}, Kind.UNNAMED_BACKEND, "several backends have files: b, c"),
        ({"scope": "openai"}, Kind.UNNAMED_BACKEND, "b, c"),
        ({"scope": "a"}, Kind.UNKNOWN_PATH, "'a' does not have files"),
        ({"pin": "a"}, Kind.UNKNOWN_PATH, "'a' does not have files"),
        ({"scope": "openai", "pin": "a"}, Kind.UNKNOWN_PATH, "'a' does not have files"),
        ({"scope": "z"}, Kind.UNKNOWN_SCOPE, "a, b, c, openai, vllm"),
    ],
)
def test_otherwise_it_must_be_said(where: dict[str, str], kind: Kind, said: str) -> None:
    failure = found(world(a="vllm", b="openai", c="openai"), FILES, **where)

    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert said in failure.detail


@pytest.mark.parametrize("where", [{"scope": "b"}, {"pin": "b"}, {"scope": "openai", "pin": "b"}])
def test_who_is_named_is_asked(where: dict[str, str]) -> None:
    assert found(world(a="vllm", b="openai", c="openai"), FILES, **where) == "b"


def test_nobody_has_it() -> None:
    failure = found(world(a="vllm"), FILES)

    assert isinstance(failure, Failure)
    assert failure.detail == "no backend here has files (/v1/files)"


def test_a_model_says_who_may_be_asked_and_what_it_is_called_there() -> None:
    made = world(a="vllm", b="openai", c="llamacpp")
    a, b, c = made.backends.values()
    models = {
        a: [Model(id="m", native="org/m")],
        b: [Model(id="m"), Model(id="n")],
        c: [Model(id="m")],
    }
    made.course.directory.swap(build(models, {}))

    assert found(made, REALTIME, model="m") == "ab"
    assert found(made, REALTIME, model="m", scope="openai") == "b"
    assert found(made, REALTIME, model="n") == "b"
    for wrong in ({"model": "x"}, {"model": "n", "scope": "a"}):
        failure = found(made, REALTIME, **wrong)
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.UNKNOWN_MODEL


def test_those_that_are_not_there_are_named() -> None:
    made = world(a="openai")
    assert FILES is not None

    failure = unavailable(FILES, [Holder(backend=made.backends["a"])])

    assert (failure.code, failure.retry_after) == ("PQ", 1.0)
    assert "a; nobody else may be asked for files" in failure.detail
