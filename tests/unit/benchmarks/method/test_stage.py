"""Words that name arms; tests/wire builds a stage."""

import pytest

from benchmarks.client.target import EndpointError
from benchmarks.method.stage import Via, check_names, local_port, own_profile, via_of


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("mine=http://127.0.0.1:8900", Via(name="mine", url="http://127.0.0.1:8900")),
        ("nginx", Via(name="nginx")),
        ("haproxy", Via(name="haproxy")),
        ("http://10.0.0.5:80", Via(name="10.0.0.5", url="http://10.0.0.5:80")),
    ],
)
def test_a_proxy_is_named(word: str, expected: Via) -> None:
    assert via_of(word) == expected


@pytest.mark.parametrize("word", ["mine", "mine=", "mine=8900", "=http://x:1"])
def test_half_a_name_is_refused(word: str) -> None:
    with pytest.raises(EndpointError):
        via_of(word)


@pytest.mark.parametrize("names", [("a", "a"), ("direct",), ("floor", "b")])
def test_names_that_would_be_mixed_up_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(EndpointError):
        check_names([Via(name=name, url="http://x:1") for name in names])


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:8000", 8000),
        ("http://localhost", 80),
        ("https://127.0.0.1:8000", None),
        ("http://127.0.0.1:8000/base", None),
        ("http://10.0.0.1:8000", None),
    ],
)
def test_a_relay_reaches_plain_http_on_this_machine(url: str, port: int | None) -> None:
    assert local_port(url) == port


def test_own_engines_are_paced_and_never_end_an_answer() -> None:
    profile = own_profile()

    assert profile.pace == 0.010
    assert profile.jitter == 0
    assert profile.output_tokens > 100_000
