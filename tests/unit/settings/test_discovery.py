"""The sources of discovery: how they are called, and which of them cannot work."""

from pathlib import Path

import pytest

from proxy.settings.discovery import Discovery, DnsSource, KubernetesSource
from proxy.settings.load import load
from proxy.settings.problems import SettingsError


def told(folder: Path, text: str) -> list[str]:
    file = folder / "f.yaml"
    file.write_text(f"discovery:\n{text}")
    with pytest.raises(SettingsError) as error:
        load(file, {})
    return [f"{problem.path}: {problem.found}" for problem in error.value.problems]


def test_sources_are_called_by_what_they_look_for() -> None:
    dns = DnsSource(name="engines.example")
    service = KubernetesSource(service="vllm", namespace="llm")

    assert dns.title == "dns engines.example"
    assert service.title == "kubernetes llm/vllm"
    assert KubernetesSource(selector="app=vllm").title == "kubernetes app=vllm"
    assert KubernetesSource(pool="p", namespace="n").title == "kubernetes n/pool p"
    assert Discovery(dns=(dns,), kubernetes=(service,)).sources == (dns, service)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  dns: [{name: a}]", "discovery.dns[0]: no port"),
        ("  dns: [{name: a, record: srv, port: 1}]", "discovery.dns[0].port: found 1 with record"),
        ("  dns: [{name: a, port: 1, resolver: x}]", "discovery.dns[0].resolver: found 'x'"),
        ("  dns: [{name: a, port: 1, record: mx}]", "discovery.dns[0].record: found 'mx'"),
        ("  dns: [{name: a, port: 1}, {name: a, port: 1}]", "discovery.dns[1]: dns a again"),
        (
            "  dns: [{name: a, port: 1, backend: {type: vlm}}]",
            "discovery.dns[0].backend.type: found 'vlm'",
        ),
        (
            "  dns: [{name: a, port: 1, backend: {api_key_file: /none}}]",
            "discovery.dns[0].backend.api_key_file: no key in that file",
        ),
        ("  kubernetes: [{namespace: a}]", "discovery.kubernetes[0]: found none of service"),
        (
            "  kubernetes: [{service: a, pool: b}]",
            "discovery.kubernetes[0]: found service and pool",
        ),
        ("  kubernetes: [{service: A_b}]", "discovery.kubernetes[0].service: found 'A_b'"),
        ("  kubernetes: [{pool: a, port: http}]", "discovery.kubernetes[0].port: a pool has"),
        (
            "  kubernetes: [{pool: a, namespace: '*'}]",
            "discovery.kubernetes[0].namespace: one pool",
        ),
        (
            "  kubernetes: [{service: a}, {service: a}]",
            "discovery.kubernetes[1]: kubernetes a again",
        ),
    ],
)
def test_a_source_that_cannot_work_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = told(tmp_path, text)

    assert found.startswith(problem)


def test_everywhere_is_a_namespace_for_services(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("discovery: {kubernetes: [{service: a, namespace: '*'}]}")

    assert load(file, {}).settings.discovery.kubernetes[0].namespace == "*"
