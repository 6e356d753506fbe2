"""The token of the admin pages."""

import base64

import pytest

from proxy.edge.entrance import Entrance
from proxy.settings.credential import Secret


def basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    ("said", "in_"),
    [
        ("Bearer sesame", True),
        ("bearer  sesame ", True),
        (basic(b"anybody:sesame"), True),
        (basic(b":sesame"), True),
        (basic(b"sesame"), False),
        (basic(b"sesame:"), False),
        ("Bearer Sesame", False),
        ("Bearer", False),
        ("sesame", False),
        ("Basic \udcff", False),
        ("Bearer \udcff", False),
        ("", False),
    ],
)
def test_only_the_token_opens(said: str, in_: bool) -> None:
    entrance = Entrance()
    entrance.lock(Secret("sesame"))

    assert entrance.admits(said) is in_


def test_without_a_token_the_door_is_open() -> None:
    entrance = Entrance()
    assert entrance.admits("")

    entrance.lock(Secret("x"))
    assert not entrance.admits("")
    entrance.lock(None)
    assert entrance.admits("")
