"""Foreign ways to write addresses, keys, sizes and times."""

import pytest

from proxy.cli.converting import places


def test_an_engine_is_known_by_one_url() -> None:
    assert places.engine("http://Host:8000/v1/") == "http://host:8000"
    assert places.engine("http://10.0.0.1/deep/v1") == "http://10.0.0.1:80/deep"
    with pytest.raises(ValueError, match="scheme"):
        places.engine("ftp://x")


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
