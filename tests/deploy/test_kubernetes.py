"""The kustomize bases: they render, fit the schemas, and their parts fit each other."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import pytest

from tests.fixtures.deployed import Document, headrace, kustomized, mounted, only, pod

PROXIES = ("gateway", "gateway-discovery", "gateway-tls", "sidecar", "sidecar-socket")
BASES = (*PROXIES, "engines")
# The oldest that knows native sidecars by default, and the newest that the package knows.
VERSIONS = ("1.29", "1.37")


def workload(manifests: list[Document]) -> Document:
    """Return the one manifest that makes pods."""
    (found,) = (one for one in manifests if one["kind"] in {"Deployment", "StatefulSet"})
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("base", BASES)
def test_every_manifest_fits_its_schema(base: str, version: str) -> None:
    for manifest in kustomized(base):
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("base", PROXIES)
def test_the_settings_are_in_order_and_listen_where_the_ports_say(
    base: str, tmp_path: Path
) -> None:
    manifests = kustomized(base)
    ports = {one["name"]: one["containerPort"] for one in headrace(workload(manifests))["ports"]}

    inside = mounted(manifests, tmp_path)

    assert ports == {"http": inside.listen.port, "admin": inside.admin.port}
    assert {inside.listen.host, inside.admin.host} == {"0.0.0.0"}


@pytest.mark.parametrize("base", PROXIES)
def test_a_pod_has_time_to_drain(base: str, tmp_path: Path) -> None:
    manifests = kustomized(base)
    drain = mounted(manifests, tmp_path).drain

    assert pod(workload(manifests))["terminationGracePeriodSeconds"] > drain.delay + drain.timeout


@pytest.mark.parametrize("base", PROXIES)
def test_readiness_asks_for_engines_and_the_other_probes_do_not(base: str) -> None:
    container = headrace(workload(kustomized(base)))
    asked = {
        kind: container[kind]["httpGet"]
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    }

    assert {kind: one["path"] for kind, one in asked.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {one["port"] for one in asked.values()} == {"admin"}


@pytest.mark.parametrize("base", PROXIES)
def test_headrace_meets_the_restricted_pod_security_standard(base: str) -> None:
    spec = pod(workload(kustomized(base)))
    container = headrace(workload(kustomized(base)))
    context = spec.get("securityContext", {}) | container["securityContext"]

    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is (base == "gateway-discovery")
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


@pytest.mark.parametrize("base", BASES)
def test_whatever_selects_pods_selects_those_of_the_base(base: str) -> None:
    manifests = kustomized(base)
    labels = workload(manifests)["spec"]["template"]["metadata"]["labels"].items()
    picks = {
        f"{one['kind']} {one['metadata']['name']}": one["spec"].get("podSelector")
        or one["spec"]["selector"]
        for one in manifests
        if one["kind"] in {"Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"}
    }

    assert picks
    for who, picked in picks.items():
        assert picked.get("matchLabels", picked).items() <= labels, who


@pytest.mark.parametrize("base", PROXIES)
def test_only_the_monitoring_reaches_the_admin_address(base: str, tmp_path: Path) -> None:
    manifests = kustomized(base)
    admin = mounted(manifests, tmp_path).admin.port
    rules = only(manifests, "NetworkPolicy")["spec"]["ingress"]
    (senders,) = (
        rule["from"] for rule in rules if {"protocol": "TCP", "port": admin} in rule["ports"]
    )

    assert senders == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]


def test_the_engines_of_the_gateway_are_pods_by_name_and_may_be_reached(tmp_path: Path) -> None:
    gateway, engines = kustomized("gateway"), kustomized("engines")
    pods, service = only(engines, "StatefulSet"), only(engines, "Service")
    port = service["spec"]["ports"][0]["port"]
    (allowed,) = (
        rule
        for rule in only(gateway, "NetworkPolicy")["spec"]["egress"]
        if {"protocol": "TCP", "port": port} in rule["ports"]
    )

    assert service["spec"]["clusterIP"] == "None"
    assert pods["spec"]["serviceName"] == service["metadata"]["name"]
    assert [backend.url for backend in mounted(gateway, tmp_path).backends] == [
        f"http://{pods['metadata']['name']}-{number}.{service['metadata']['name']}:{port}"
        for number in range(pods["spec"]["replicas"])
    ]
    picked = allowed["to"][0]["podSelector"]["matchLabels"].items()
    assert picked <= pods["spec"]["template"]["metadata"]["labels"].items()


def test_the_autoscaler_scales_what_leaves_the_number_to_it() -> None:
    manifests = kustomized("gateway")
    target = only(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    deployment = only(manifests, "Deployment")

    assert target["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert "cpu" in headrace(deployment)["resources"]["requests"]


@pytest.mark.parametrize("base", ["sidecar", "sidecar-socket"])
def test_headrace_is_a_sidecar_of_an_engine_that_drains_it_before_it_stops(
    base: str, tmp_path: Path
) -> None:
    manifests = kustomized(base)
    spec, drain = pod(workload(manifests)), mounted(manifests, tmp_path).drain
    (sidecar,), (engine,) = spec["initContainers"], spec["containers"]
    hook = engine["lifecycle"]["preStop"]["httpGet"]
    (wait,) = parse_qs(urlsplit(hook["path"]).query)["wait"]

    assert sidecar["restartPolicy"] == "Always"
    assert "lifecycle" not in sidecar
    assert urlsplit(hook["path"]).path == "/drain"
    assert hook["port"] == mounted(manifests, tmp_path).admin.port
    assert re.fullmatch(r"\d+s", wait)
    seconds = int(wait.removesuffix("s"))
    assert drain.delay + drain.timeout < seconds < spec["terminationGracePeriodSeconds"]


def test_nobody_reaches_the_engine_past_its_sidecar(tmp_path: Path) -> None:
    manifests = kustomized("sidecar")
    (engine,) = pod(workload(manifests))["containers"]
    words = engine["args"]
    (backend,) = mounted(manifests, tmp_path).backends

    assert backend.url == (
        f"http://{words[words.index('--host') + 1]}:{words[words.index('--port') + 1]}"
    )
    assert backend.url.startswith("http://127.0.0.1:")
    assert "ports" not in engine


def test_both_sides_of_the_socket_mount_the_folder_it_lies_in(tmp_path: Path) -> None:
    manifests = kustomized("sidecar-socket")
    spec = pod(workload(manifests))
    (engine,) = spec["containers"]
    (backend,) = mounted(manifests, tmp_path).backends
    socket = engine["args"][engine["args"].index("--uds") + 1]

    assert backend.url == f"unix://{socket}"
    for container in (engine, headrace(workload(manifests))):
        folders = {one["mountPath"] for one in container["volumeMounts"]}
        assert str(Path(socket).parent) in folders
    assert (
        spec["securityContext"]["runAsUser"]
        == (headrace(workload(manifests))["securityContext"]["runAsUser"])
    )


def test_the_certificate_is_where_the_variables_say() -> None:
    manifests = kustomized("gateway-tls")
    container = headrace(only(manifests, "Deployment"))
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "tls")
    ports = only(manifests, "Service", "headrace")["spec"]["ports"]

    assert {one["name"]: one["value"] for one in container["env"]} == {
        "HEADRACE_TLS_LISTEN_CERTIFICATE": f"{mount['mountPath']}/tls.crt",
        "HEADRACE_TLS_LISTEN_KEY": f"{mount['mountPath']}/tls.key",
    }
    assert [(one["port"], one["targetPort"]) for one in ports] == [(443, "http")]


def test_who_finds_engines_may_read_what_that_needs_and_nothing_else(tmp_path: Path) -> None:
    manifests = kustomized("gateway-discovery")
    (source,) = mounted(manifests, tmp_path).discovery.kubernetes
    rules = only(manifests, "Role")["rules"]
    binding = only(manifests, "RoleBinding")
    ports = [
        port["port"]
        for rule in only(manifests, "NetworkPolicy")["spec"]["egress"]
        for port in rule["ports"]
        if "to" not in rule
    ]

    assert source.service == only(kustomized("engines"), "Service")["metadata"]["name"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {one for rule in rules for one in rule["resources"]} == {
        "endpointslices",
        "services",
        "pods",
        "inferencepools",
    }
    assert binding["roleRef"]["name"] == only(manifests, "Role")["metadata"]["name"]
    assert [one["name"] for one in binding["subjects"]] == [
        pod(workload(manifests))["serviceAccountName"]
    ]
    assert ports == [443, 6443]
