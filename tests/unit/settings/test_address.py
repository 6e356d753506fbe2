"""Addresses: written forms, their traps, and which two listeners cannot both be opened."""

import pytest

from proxy.settings import address
from proxy.settings.address import Address


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("127.0.0.1:8900", Address(host="127.0.0.1", port=8900)),
        ("0.0.0.0:0", Address(host="0.0.0.0", port=0)),
        ("LocalHost:80", Address(host="localhost", port=80)),
        ("[::]:8900", Address(host="::", port=8900)),
        ("[0:0::1]:8900", Address(host="::1", port=8900)),
        ("unix:/run/headrace.sock", Address(path="/run/headrace.sock")),
        ("unix:///run/headrace.sock", Address(path="/run/headrace.sock")),
    ],
)
def test_what_can_be_listened_on(text: str, read: Address) -> None:
    assert address.listening(text) == read
    assert address.listening(str(read)) == read


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("8900", "write 127.0.0.1:8900"),
        ("localhost", "the port is missing"),
        (":8900", "0.0.0.0:8900 for all"),
        ("::1:8900", "needs brackets"),
        ("[::1:8900", "the bracket is not closed"),
        ("[::g]:8900", "is not an IPv6 address"),
        ("http://127.0.0.1:8900", "has no scheme"),
        ("127.0.0.1:http", "from 0 to 65535, not 'http'"),
        ("127.0.0.1:65536", "from 0 to 65535"),
        ("127.0.0.1:-1", "from 0 to 65535"),
        ("127.0.0.1:\u0663", "from 0 to 65535"),
        ("256.0.0.1:1", "is not an IPv4 address"),
        ("a b:1", "is not a host name"),
        ("-a:1", "is not a host name"),
        (f"{'a' * 254}:1", "is not a host name"),
        (f"{'.'.join(['a' * 50] * 6)}:1", "is not a host name"),
        ("unix:run/a.sock", "must be absolute"),
        ("unix:/run/", "must name a file"),
        ("unix:/a\x00b", "printable"),
        (f"unix:/{'a' * 107}", "at most 107 bytes"),
    ],
)
def test_what_cannot_be_listened_on(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        address.listening(text)

    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("http://10.0.0.5:8000/", "http://10.0.0.5:8000"),
        ("HTTP://GPU-a.example:08000", "http://gpu-a.example:8000"),
        ("http://gpu-a", "http://gpu-a:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://gpu-a", "https://gpu-a:443"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("http://[::1]", "http://[::1]:80"),
        ("unix:///run/engine.sock", "unix:///run/engine.sock"),
        ("http://10.0.0.5:8000/v1", "http://10.0.0.5:8000"),
        ("http://10.0.0.5:8000/v1/", "http://10.0.0.5:8000"),
        ("https://api.example/OpenAI/v1", "https://api.example:443/OpenAI"),
        ("http://10.0.0.5:8000/a/b%20c/", "http://10.0.0.5:8000/a/b%20c"),
        ("http://10.0.0.5:8000/v1/x", "http://10.0.0.5:8000/v1/x"),
    ],
)
def test_a_backend_is_known_by_one_url(url: str, known_as: str) -> None:
    assert address.backend_url(address.backend(url)) == known_as


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("ftp://10.0.0.5", "http://, https:// or unix://"),
        ("10.0.0.5:8000", "http://, https:// or unix://"),
        ("http:/10.0.0.5:8000", "http://, https:// or unix://"),
        ("", "http://, https:// or unix://"),
        ("http://10.0.0.5:8000//v1/x", "plain segments"),
        ("http://10.0.0.5:8000/a/../b", "plain segments"),
        ("http://10.0.0.5:8000/./a", "plain segments"),
        ("http://10.0.0.5:8000/a\\b", "plain segments"),
        ("http://10.0.0.5:8000/%zz", "plain segments"),
        ("http://10.0.0.5:8000/\u00e4", "plain segments"),
        ("http://10.0.0.5:8000/?a=b", "no query"),
        ("http://10.0.0.5:8000#x", "no fragment"),
        ("http://user:sesame@10.0.0.5:8000", "api_key"),
        ("http://10.0.0.5:0", "from 1 to 65535"),
        ("http://10.0.0.5:", "from 1 to 65535"),
        ("http://:8000", "is not a host name"),
        ("http://::1:8000", "needs brackets"),
        ("http://[::1:8000", "not a URL"),
        ("http://10.0.0.5:8000\n", "no control characters"),
        ("http://a b", "no spaces"),
        ("unix://run/engine.sock", "three slashes"),
    ],
)
def test_what_cannot_be_a_backend(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        address.backend(url)

    assert hint in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_two_paths_of_one_host_are_two_engines() -> None:
    one, other = address.backend("http://gpu:1/a"), address.backend("http://gpu:1/b/v1")

    assert one != other
    assert address.backend_url(one) == "http://gpu:1/a"
    assert one.clashes(other)  # a listener there would still be in the way


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("127.0.0.1:1", "127.0.0.2:1", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("0.0.0.0:1", "127.0.0.1:1", True),
        ("localhost:1", "127.0.0.1:1", True),
        ("[::]:1", "[::1]:1", True),
        ("[::]:1", "0.0.0.0:1", False),
        ("0.0.0.0:1", "[::1]:1", False),
        ("unix:/a", "unix:/a", True),
        ("unix:/a", "unix:/b", False),
        ("unix:/a", "127.0.0.1:1", False),
    ],
)
def test_which_listeners_clash(one: str, other: str, clash: bool) -> None:
    first, second = address.listening(one), address.listening(other)

    assert first.clashes(second) is clash
    assert second.clashes(first) is clash
