"""What is held back during the import is back afterwards."""

import os
import sys

import pytest

from proxy.boot.lean import light_imports


@pytest.fixture
def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rich be a module that has not been imported."""
    monkeypatch.delitem(sys.modules, "rich", raising=False)


@pytest.mark.usefixtures("without_rich")
def test_rich_cannot_be_imported_inside_and_can_be_outside() -> None:
    with light_imports(), pytest.raises(ImportError):
        __import__("rich")

    assert "rich" not in sys.modules
    assert __import__("rich").__name__ == "rich"


def test_what_is_imported_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "rich", marker)

    with light_imports():
        assert sys.modules["rich"] is marker

    assert sys.modules["rich"] is marker


def test_the_environment_is_put_back_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "mine.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    def broken_import() -> None:
        with light_imports():
            assert os.environ["SSL_CERT_FILE"] == os.devnull
            raise KeyError

    with pytest.raises(KeyError):
        broken_import()

    assert os.environ["SSL_CERT_FILE"] == "mine.pem"
    assert "SSL_CERT_DIR" not in os.environ
