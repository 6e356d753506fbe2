"""The way to a running proxy: from its settings, or from an address and the environment."""

import ssl
from pathlib import Path

import pytest

from proxy.cli.entry import Entry, configured, named
from proxy.settings.load import load
from proxy.settings.schema import Settings
from tests.fixtures.sealed import Papers


def test_settings_say_what_it_takes(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    ours = papers.issue("ours.pem")
    env = {"HEADRACE_TLS_ADMIN_CERTIFICATE": str(ours), "HEADRACE_ADMIN_TOKEN": "sesame"}

    entry = configured(load(None, env).settings)

    assert entry.secure
    assert entry.fields == {"Authorization": "Bearer sesame"}
    assert "BEGIN CERTIFICATE" in entry.trusted
    assert "PRIVATE" not in entry.trusted
    assert entry.context.verify_mode is ssl.CERT_REQUIRED


def test_without_anything_set_there_is_nothing_to_say() -> None:
    assert configured(Settings()) == Entry(host="127.0.0.1", port=8901)
    assert Entry().fields == {}


@pytest.mark.parametrize(
    ("text", "secure"),
    [("127.0.0.1:8901", False), ("http://h:1/", False), ("https://h:1/", True)],
)
def test_an_address_may_have_a_scheme(text: str, secure: bool) -> None:
    entry = named(text, {"HEADRACE_ADMIN_TOKEN": "sesame"})

    assert entry.secure is secure
    assert entry.token == "sesame"
    assert entry.trusted == ""
