"""Queries: what goes on to an engine, what is left out, what is refused."""

import pytest

from proxy.core.failure import Failure, Kind
from proxy.edge.queries import known, version
from tests.fixtures.heads import parsed, served


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("", ""),
        ("beta=true", "beta=true"),
        ("api-version=2024-10-21", "api-version=2024-10-21"),
        ("x=1&beta=true&action=erase&api-version=preview", "beta=true&api-version=preview"),
        ("key=secret", ""),
        ("beta=", ""),
        ("beta", ""),
        ("Beta=true", ""),
        ("b%65ta=true", ""),
        ("beta=true#x", ""),
        ("beta=a%0d%0ab", ""),
        ("beta=" + "a" * 65, ""),
        ("notbeta=true", ""),
    ],
)
def test_only_the_version_of_an_api_goes_on(raw: str, kept: str) -> None:
    assert version(raw) == kept


@pytest.mark.parametrize("scope", ["", "/to/a"])
async def test_a_call_keeps_what_goes_on_of_its_query(scope: str) -> None:
    head = served(parsed(target=f"{scope}/v1/messages?x=1&beta=true"))

    assert head.path == "/v1/messages"
    assert head.request is not None
    assert head.request.query == "beta=true"


def test_known_parameters_are_passed_as_they_were_sent() -> None:
    assert known("", ("limit",), "/p") == ()
    assert known("l%69mit=%31&model=a+b", ("limit", "model"), "/p") == (
        ("l%69mit", "%31"),
        ("model", "a+b"),
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("order=x", "'order' is no parameter of /p; it takes: limit"),
        ("limit=1&", "'' is no parameter"),
        ("limit=\x7f", "written as %XX"),
        ("limit=1#x", "written as %XX"),
    ],
)
def test_others_are_refused(raw: str, said: str) -> None:
    failure = known(raw, ("limit",), "/p")

    assert isinstance(failure, Failure)
    assert failure.kind is Kind.BAD_REQUEST
    assert said in failure.detail
