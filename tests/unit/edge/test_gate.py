"""The gate: what goes on, what is remembered of it, and what is refused by its head."""

import pytest

from proxy.core.failure import Failure, Kind
from proxy.edge.gate import Gate
from tests.fixtures.course import World
from tests.fixtures.heads import parsed, served
from tests.fixtures.keyed import guarding, key

BEARER = "Authorization: Bearer TEAM"


def gate(*, keys: bool = True, pass_through: bool = False) -> Gate:
    course = World("a").course
    course.guard = guarding([key("team")]) if keys else None
    return Gate(course, pass_through=pass_through)


async def test_a_good_key_is_let_in_and_remembered() -> None:
    message = parsed(BEARER, "Content-Length: 0")
    head = served(message)

    assert gate()(message, head) is None
    assert head.request is not None
    assert head.request.secret == b"TEAM"
    assert head.request.fields == [(b"via", b"1.1 headrace")]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [((), Kind.NO_KEY), (("x-api-key: other",), Kind.BAD_KEY), (("Cookie: TEAM",), Kind.NO_KEY)],
)
async def test_others_are_refused(fields: tuple[str, ...], kind: Kind) -> None:
    message = parsed(*fields, "Content-Length: 0")

    found = gate()(message, served(message))

    assert isinstance(found, Failure)
    assert found.kind is kind


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/health"), ("HEAD", "/"), ("OPTIONS", "/v1/models")]
)
async def test_some_need_no_key(method: str, target: str) -> None:
    message = parsed(method=method, target=target)

    assert gate()(message, served(message)) is None


async def test_pages_need_one() -> None:
    message = parsed(method="GET", target="/v1/models")

    assert gate()(message, served(message)) is not None


async def test_credentials_are_kept_for_engines_only_if_that_is_chosen() -> None:
    message = parsed(BEARER, "X-Api-Key: a", "Accept: b", "Content-Length: 0")
    head, other = served(message), served(message)
    assert head.request is not None
    assert other.request is not None

    assert gate(keys=False, pass_through=True)(message, head) is None
    gate(keys=False)(message, other)

    assert list(head.request.fields) == [
        (b"accept", b"b"),
        (b"via", b"1.1 headrace"),
        (b"authorization", b"Bearer TEAM"),
        (b"x-api-key", b"a"),
    ]
    assert list(other.request.fields) == [(b"accept", b"b"), (b"via", b"1.1 headrace")]
