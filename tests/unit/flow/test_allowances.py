"""What an answer says of the limits of its key."""

from proxy.flow.allowances import limit_fields, without_limits
from tests.fixtures.keyed import granted


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


def test_what_an_engine_says_of_its_own_limits_is_left_out() -> None:
    start = (
        b"HTTP/1.1 200 ratelimit: no\r\nx-ratelimit-limit-requests: 9\r\nserver: x\r\n"
        b"anthropic-ratelimit-tokens-remaining: 1\r\nratelimit-policy: a\r\nratelimit: b\r\n"
        b"x-my-ratelimit: 3\r\nretry-after: 1\r\n"
    )

    assert without_limits(start) == (
        b"HTTP/1.1 200 ratelimit: no\r\nserver: x\r\nx-my-ratelimit: 3\r\nretry-after: 1\r\n"
    )
    assert without_limits(b"HTTP/1.1 200 OK\r\n") == b"HTTP/1.1 200 OK\r\n"
