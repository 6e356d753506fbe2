"""What an answer says of the limits of its key."""

from typing import Any

from proxy.core.account import Account, Grant
from proxy.core.window import Window
from proxy.flow.allowances import limit_fields
from tests.fixtures.keyed import NOW, key


def granted(tokens: float = 0.0, **limits: Any) -> Grant:
    account = Account(key("team", **limits), lambda _kind, _name, limit: Window(limit))
    grant = account.admit(1000.0, tokens, 0.0, NOW)
    assert isinstance(grant, Grant)
    return grant


def test_a_key_without_limits_says_nothing() -> None:
    assert limit_fields(granted(concurrency=3)) == b""


def test_requests_and_tokens_are_told_in_openais_words() -> None:
    told = limit_fields(granted(30.5, requests_per_minute=60, tokens_per_minute=100))

    assert told == (
        b"x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\n"
        b"x-ratelimit-reset-requests: 60250ms\r\n"
        b"x-ratelimit-limit-tokens: 100\r\nx-ratelimit-remaining-tokens: 69\r\n"
        b"x-ratelimit-reset-tokens: 60250ms\r\n"
    )


def test_one_limit_is_told_alone() -> None:
    assert limit_fields(granted(30.5, tokens_per_minute=100)) == (
        b"x-ratelimit-limit-tokens: 100\r\nx-ratelimit-remaining-tokens: 69\r\n"
        b"x-ratelimit-reset-tokens: 60250ms\r\n"
    )


def test_nothing_left_is_nothing_and_no_debt() -> None:
    grant = granted(requests_per_minute=5)
    assert grant.account.requests is not None
    grant.account.requests.take(9, 1000.0)

    assert b"remaining-requests: 0\r\n" in limit_fields(grant)
