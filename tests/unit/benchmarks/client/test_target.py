"""URLs of endpoints, what is asked of them, and what is not shown."""

import ssl

import pytest

from benchmarks.client.target import Api, EndpointError, Target, address


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h:1", "/v1/chat/completions"),
        ("http://h:1/", "/v1/chat/completions"),
        ("http://h:1/v1", "/v1/chat/completions"),
        ("http://h:1/v1/chat/completions", "/v1/chat/completions"),
        ("http://h:1/to/gpu/v1/", "/to/gpu/v1/chat/completions"),
    ],
)
def test_the_url_may_be_a_base_or_a_whole_path(url: str, path: str) -> None:
    assert Target(name="t", url=url).path() == path


def test_each_api_has_its_paths() -> None:
    ollama = Target(name="t", url="http://h:1/x", api=Api.OLLAMA)

    assert ollama.path() == "/x/api/chat"
    assert ollama.models_path() == "/x/api/tags"
    assert Target(name="t", url="http://h:1/v1").models_path() == "/v1/models"


def test_ports_and_brackets() -> None:
    assert address("https://h").port == 443
    assert address("http://h").authority == "h"
    assert address("http://[::1]:8000/v1").authority == "[::1]:8000"
    assert address("http://[::1]:8000/v1").host == "::1"


@pytest.mark.parametrize(
    "url", ["", "h:1", "ftp://h", "http://", "http://h:x", "http://h?a=1", "http://u:p@h"]
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(EndpointError):
        address(url)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Target(name="t", url="http://h", api_key="secret"))


def test_tls_checks_unless_told_not_to() -> None:
    checked = Target(name="t", url="https://h").tls()
    careless = Target(name="t", url="https://h", insecure=True).tls()

    assert Target(name="t", url="http://h").tls() is None
    assert checked is not None
    assert checked.verify_mode is ssl.CERT_REQUIRED
    assert careless is not None
    assert careless.verify_mode is ssl.CERT_NONE
