"""TLS keys of settings become seals, or problems at the place of the key."""

from pathlib import Path

import pytest

from proxy.settings.load import load
from proxy.settings.problems import SettingsError
from tests.fixtures.sealed import Papers


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


def written(papers: Papers, text: str) -> Path:
    file = papers.folder / "headrace.yaml"
    file.write_text(text)
    return file


def problems(papers: Papers, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(written(papers, text), {})
    return [str(problem) for problem in caught.value.problems]


def test_files_stand_beside_the_settings_and_are_watched(papers: Papers) -> None:
    papers.issue("engine.pem")
    text = "backends: [{url: 'https://a', tls: {ca: ca.pem, certificate: engine.pem}}]"

    loaded = load(written(papers, text), {})

    (backend,) = loaded.settings.backends
    assert backend.url == "https://a:443"
    assert backend.tls.seal is not None
    assert backend.tls.seal.ends is not None
    assert {papers.ca, papers.folder / "engine.pem"} <= set(loaded.files)


def test_backends_with_the_same_files_share_a_context(papers: Papers) -> None:
    one = "{url: 'https://%s', tls: {ca: ca.pem}}"
    text = f"backends: [{one % 'a'}, {one % 'b'}]"

    first, second = load(written(papers, text), {}).settings.backends

    assert first.tls.seal is second.tls.seal


def test_an_engine_without_keys_is_checked_by_the_systems_authorities(papers: Papers) -> None:
    (backend,) = load(written(papers, "backends: [{url: 'https://a'}]"), {}).settings.backends

    assert backend.tls.seal is not None


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ("url: 'http://a:1', tls: {ca: ca.pem}", "backends[0].tls: http://a:1 is not encrypted"),
        ("url: 'https://a', tls: {key: ca.pem}", "tls.key: there is no certificate beside it"),
        ("url: 'https://a', tls: {ca: ca.pem, insecure: true}", "tls.insecure: tls.ca is set too"),
        ("url: 'https://a', tls: {ca: gone.pem}", "gone.pem cannot be read: No such file"),
        ("url: 'https://a', tls: {certificate: ca.pem}", "ca.pem holds no private key in PEM"),
    ],
)
def test_what_cannot_be_is_told_at_its_key(papers: Papers, backend: str, says: str) -> None:
    (problem,) = problems(papers, f"backends: [{{{backend}}}]")

    assert says in problem


def test_a_listeners_files_may_come_from_the_environment(papers: Papers) -> None:
    ours = papers.issue("ours.pem")
    env = {
        "HEADRACE_TLS_LISTEN_CERTIFICATE": str(ours),
        "HEADRACE_TLS_LISTEN_KEY": str(ours),
        "HEADRACE_TLS_LISTEN_CLIENT_CA": str(papers.ca),
        "HEADRACE_TLS_ADMIN_CERTIFICATE": str(ours),
    }

    tls = load(None, env).settings.tls

    assert tls.listen.seal is not None
    assert tls.admin.seal is not None
    assert tls.listen.seal != tls.admin.seal


@pytest.mark.parametrize("key", ["key", "client_ca"])
def test_what_needs_a_certificate_is_told_when_there_is_none(papers: Papers, key: str) -> None:
    (problem,) = problems(papers, f"tls: {{listen: {{{key}: ca.pem}}}}")

    assert f"tls.listen.{key}: there is no certificate beside it" in problem


def test_a_listeners_expired_certificate_is_told(papers: Papers) -> None:
    papers.issue("expired.pem", ends=-1.0)

    (problem,) = problems(papers, "tls: {admin: {certificate: expired.pem}}")

    assert "tls.admin.certificate: " in problem
    assert "expired on" in problem
