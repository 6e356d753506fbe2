"""The summary of `headrace check`."""

from proxy.cli.check import summary
from proxy.settings.schema import BackendSettings, Models, Settings


def backends(count: int) -> tuple[BackendSettings, ...]:
    return tuple(
        BackendSettings(url=f"http://a:{port}", name=f"b{port}") for port in range(1, count + 1)
    )


def test_no_backend_means_looking_for_some() -> None:
    assert summary(Settings()) == (
        "OK: no backends (engines on this machine are looked for);"
        " clients on 127.0.0.1:8900, admin on 127.0.0.1:8901"
    )


def test_backends_and_aliases_are_counted_and_the_first_five_named() -> None:
    many = Settings(backends=backends(7), models=Models(aliases={"a": ("m",), "b": ("m",)}))
    one = Settings(backends=backends(1), models=Models(aliases={"a": ("m",)}))

    assert "7 backends (b1, b2, b3, b4, b5 and 2 more), 2 aliases;" in summary(many)
    assert "1 backend (b1), 1 alias;" in summary(one)
