"""Foreign ways to write addresses, keys, sizes and times."""

import pytest

from proxy.cli.converting import places
from proxy.settings.address import backend_url


def test_an_engine_is_known_by_one_url() -> None:
    for url, kind, known_as in (
        ("http://Host:8000/v1/", "vllm", "http://host:8000"),
        ("http://10.0.0.1/deep/v1", None, "http://10.0.0.1:80/deep"),
        ("http://a:12434/engines/llama.cpp/v1", "dmr", "http://a:12434"),
        ("http://a:12434/engines/v1", "dmr", "http://a:12434"),
        ("http://a:12434/proxied", "dmr", "http://a:12434/proxied"),
        ("http://a:12434/engines/v1", "openai", "http://a:12434/engines"),
    ):
        assert backend_url(places.engine(url, kind)) == known_as
    with pytest.raises(ValueError, match="scheme"):
        places.engine("ftp://x", None)


def test_a_key_of_the_environment_stays_there() -> None:
    assert places.credential("os.environ/KEY") == "${KEY}"
    assert places.credential("sk-1") == "sk-1"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (100, 100),
        ("50MB", 50 << 20),
        ("1 GiB", 1 << 30),
        ("0.5kb", 512),
        ("many", None),
        ("", None),
    ],
)
def test_a_size_is_a_number_of_bytes(value: object, size: int | None) -> None:
    assert places.size(value) == size


@pytest.mark.parametrize(
    ("value", "time"),
    [(60, "60s"), (0.5, "0.5s"), ("30s", "30s"), ("10m", "10m"), ("1m30s", "90s")],
)
def test_a_time_is_a_number_and_a_unit(value: object, time: str) -> None:
    assert places.seconds(value) == time


@pytest.mark.parametrize("value", [True, "soon", "", None, "1d", "5m x"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert places.seconds(value) is None
