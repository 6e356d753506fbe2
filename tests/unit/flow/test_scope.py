"""Which backends a scope stands for, and how nothing leads out of it."""

import pytest

from proxy.core.backend import Backend
from proxy.core.catalog import Model, build
from proxy.core.failure import Failure, Kind
from proxy.flow.scope import listing, members, named, names, split
from tests.fixtures.course import World


def world(**kinds: str) -> World:
    """Return a world whose backends are of these kinds."""
    made = World("".join(kinds))
    for name, kind in kinds.items():
        made.backends[name].kind = kind
    return made


def shown(found: frozenset[Backend] | Failure) -> str:
    assert not isinstance(found, Failure), found
    return "".join(sorted(backend.name for backend in found))


def refused(found: object) -> Failure:
    assert isinstance(found, Failure), found
    return found


@pytest.mark.parametrize(
    ("path", "scope", "rest"),
    [
        ("/v1/chat/completions", None, "/v1/chat/completions"),
        ("/to", None, "/to"),
        ("/TO/a/v1/models", None, "/TO/a/v1/models"),
        ("/to/a/v1/models", "a", "/v1/models"),
        ("/to/a", "a", ""),
        ("/to/a/", "a", "/"),
        ("/to//v1/models", "", "/v1/models"),
        ("/to/a//v1/models", "a", "//v1/models"),
        ("/to/a/../v1/models", "a", "/../v1/models"),
        ("/to/../v1/models", "..", "/v1/models"),
        ("/to/a%2Fb/v1/models", "a%2Fb", "/v1/models"),
        ("/to/a/to/b/v1/models", "a", "/to/b/v1/models"),
    ],
)
def test_a_path_is_cut_as_it_was_sent(path: str, scope: str | None, rest: str) -> None:
    assert split(path) == (scope, rest)


def test_a_scope_is_a_backend_or_all_of_a_type() -> None:
    course = world(a="vllm", b="vllm", c="ollama").course

    assert shown(members(course, "a")) == "a"
    assert shown(members(course, "vllm")) == "ab"
    assert shown(members(course, "ollama")) == "c"


def test_the_name_of_a_backend_goes_before_a_type() -> None:
    made = world(a="vllm", b="vllm")
    made.backends["b"].name = "vllm"

    assert shown(members(made.course, "vllm")) == "vllm"


@pytest.mark.parametrize("scope", ["", "A", "a ", "%61", "..", "VLLM", "sglang", "x" * 4000])
def test_anything_else_is_unknown_and_says_what_there_is(scope: str) -> None:
    failure = refused(members(world(a="vllm", b="ollama").course, scope))

    assert failure.kind is Kind.UNKNOWN_SCOPE
    assert failure.detail.endswith("but a, b, ollama, vllm")
    assert len(failure.detail) < 250


def test_many_scopes_are_counted() -> None:
    made = World("abcdefghijklmnopqrstuvwxyz")

    assert refused(members(made.course, "no")).detail.endswith(", t and 7 more")


def test_a_type_nobody_is_yet_is_no_404_while_somebody_may_become_it() -> None:
    made = world(a="vllm", b="")

    failure = refused(members(made.course, "sglang"))
    assert (failure.kind, failure.retry_after) == (Kind.NO_BACKEND, 1.0)
    assert failure.detail.endswith(": b")
    assert refused(members(made.course, "none")).kind is Kind.UNKNOWN_SCOPE
    assert refused(members(made.course, "")).kind is Kind.UNKNOWN_SCOPE


def test_a_header_narrows_a_scope_and_never_leads_out_of_it() -> None:
    course = world(a="vllm", b="vllm", c="ollama").course

    assert shown(named(course, None, "c")) == "c"
    assert shown(named(course, "vllm", "vllm")) == "ab"
    assert shown(named(course, "vllm", "b")) == "b"
    assert shown(named(course, "vllm", "c")) == ""
    assert shown(named(course, None, None)) == "abc"
    assert refused(named(course, "no", "a")).kind is Kind.UNKNOWN_SCOPE


def test_a_scope_lists_its_own_models() -> None:
    made = world(a="vllm", b="ollama")
    models = {
        made.backends["a"]: [Model(id="m"), Model(id="n")],
        made.backends["b"]: [Model(id="m")],
    }
    made.course.directory.swap(build(models, {"alias": ["n"]}))

    assert names(made.course, None) == ("alias", "m", "n")
    assert names(made.course, "a") == ("alias", "m", "n")
    assert names(made.course, "ollama") == ("m",)
    assert names(made.course, "no") == ()
    assert refused(listing(made.course, "no")).kind is Kind.UNKNOWN_SCOPE
