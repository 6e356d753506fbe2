"""The chart: it renders, fits the schemas, refuses what is wrong, agrees with kustomize."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from proxy import __version__
from tests.fixtures.deployed import (
    CHART,
    Document,
    headrace,
    kustomized,
    mounted,
    only,
    pod,
    program,
    run,
    templated,
)

EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
PLAIN = ("-f", CHART / "examples" / "vllm.yaml")
ALL = ("-f", CHART / "examples" / "all.yaml")
OF_OPERATORS = frozenset({"ServiceMonitor"})


def refused(*words: str) -> str:
    """Return why the chart is not rendered with these words."""
    ran = run(program("helm", "the chart refuses wrong values"), "template", CHART, *words)
    assert ran.returncode != 0, ran.stdout
    return ran.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_helm_lints_it(example: Path) -> None:
    helm = program("helm", "the chart passes helm lint")

    ran = run(helm, "lint", "--strict", CHART, "-f", example)

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("version", ["1.29", "1.37"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_manifest_fits_its_schema(example: Path, version: str) -> None:
    for manifest in templated("-f", example):
        if manifest["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_smallest_install_is_the_kustomize_base(tmp_path: Path) -> None:
    chart, base = templated(*PLAIN), kustomized("gateway")
    ours, theirs = headrace(only(chart, "Deployment")), headrace(only(base, "Deployment"))
    same = ("args", "ports", "resources", "securityContext", "volumeMounts")
    probes = ("startupProbe", "livenessProbe", "readinessProbe")

    assert {key: ours[key] for key in (*same, *probes)} == {
        key: theirs[key] for key in (*same, *probes)
    }
    assert mounted(chart, tmp_path) == mounted(base, tmp_path)
    for key in ("terminationGracePeriodSeconds", "securityContext", "enableServiceLinks"):
        assert pod(only(chart, "Deployment"))[key] == pod(only(base, "Deployment"))[key]
    for kind in ("HorizontalPodAutoscaler",):
        spec, other = only(chart, kind)["spec"], only(base, kind)["spec"]
        assert {**spec, "scaleTargetRef": None} == {**other, "scaleTargetRef": None}
    assert {one["kind"] for one in chart} == {one["kind"] for one in base}


def test_settings_are_those_of_the_values_with_the_addresses_of_the_pod(tmp_path: Path) -> None:
    manifests = templated(*ALL)
    text = only(manifests, "ConfigMap")["data"]["headrace.yaml"]

    given = yaml.safe_load((CHART / "examples" / "all.yaml").read_text())["config"]

    assert yaml.safe_load(text) == {
        **given,
        "listen": "0.0.0.0:8900",
        "admin": "0.0.0.0:8901",
        "drain": {"delay": "5s", "timeout": "600s"},
    }
    assert "example" not in text.replace("example.com", ""), "a key stands in the ConfigMap"


def test_images_are_those_of_this_version() -> None:
    assert headrace(only(templated(*PLAIN), "Deployment"))["image"] == f"headrace:{__version__}"
    assert headrace(only(kustomized("gateway"), "Deployment"))["image"] == f"headrace:{__version__}"
    assert headrace(only(kustomized("sidecar"), "Deployment"))["image"] == f"headrace:{__version__}"


def test_the_grace_period_follows_the_drain() -> None:
    manifests = templated(*ALL)

    assert pod(only(manifests, "Deployment"))["terminationGracePeriodSeconds"] == 5 + 600 + 20


def test_keys_come_as_variables_from_a_secret_made_or_named() -> None:
    made = templated(*ALL)
    named = templated(*PLAIN, "--set", "keys.existingSecret=mine")

    assert only(made, "Secret")["stringData"] == {"GPU_A_KEY": "example"}
    assert headrace(only(made, "Deployment"))["envFrom"] == [{"secretRef": {"name": "llm"}}]
    assert headrace(only(named, "Deployment"))["envFrom"] == [{"secretRef": {"name": "mine"}}]
    assert "Secret" not in {one["kind"] for one in named}


def test_new_settings_are_read_in_place_unless_new_pods_are_asked_for() -> None:
    def notes(*words: str) -> Document:
        template = only(templated(*PLAIN, *words), "Deployment")["spec"]["template"]
        annotations: Document = template["metadata"]["annotations"]
        return annotations

    change = ("--set", "config.limits.queue=5")

    assert notes() == notes(*change)
    rolled = ("--set", "reload=false")
    assert notes(*rolled) != notes(*rolled, *change)


def test_without_an_autoscaler_the_number_is_given() -> None:
    manifests = templated(*PLAIN, "--set", "autoscaling.enabled=false,replicas=3")

    assert only(manifests, "Deployment")["spec"]["replicas"] == 3
    assert "HorizontalPodAutoscaler" not in {one["kind"] for one in manifests}


def test_the_monitor_finds_the_admin_service_and_names_the_job() -> None:
    manifests = templated(*ALL)
    monitor = only(manifests, "ServiceMonitor")["spec"]
    service = only(manifests, "Service", "llm-admin")
    (endpoint,) = monitor["endpoints"]

    picked = monitor["selector"]["matchLabels"].items()
    assert picked <= service["metadata"]["labels"].items()
    assert not picked <= only(manifests, "Service", "llm")["metadata"]["labels"].items()
    assert endpoint["port"] in {one["name"] for one in service["spec"]["ports"]}
    assert {"targetLabel": "job", "replacement": "headrace"} in endpoint["relabelings"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "config.backends: no engine is named. Set one, --set 'config.backends[0].url="),
        (("-f", str(PLAIN[1]), "--set", "replica=3"), "replica"),
        (("-f", str(PLAIN[1]), "--set", "config.listen=x"), "config.listen: the chart makes it"),
        (("-f", str(PLAIN[1]), "--set", "config.drain.delay=5s"), "set drain.delay and drain."),
        (("-f", str(PLAIN[1]), "--set", "drain.delay=5s"), "/drain/delay"),
        (("--set", "config.backends[0].url=gpu-a:8000"), "/config/backends/0/url"),
        (("-f", str(PLAIN[1]), "--set", "autoscaling.maxReplicas=1"), "maxReplicas"),
        (("-f", str(ALL[1]), "--set", "keys.existingSecret=mine"), "not both"),
    ],
)
def test_wrong_values_are_refused_by_name(words: tuple[str, ...], told: str) -> None:
    assert told in refused(*words)


def test_the_schema_knows_every_value_and_no_other() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]

    assert set(values) == set(schema) - {"global"}
    for name, group in schema.items():
        if group.get("additionalProperties") is False:
            assert set(values[name]) == set(group["properties"]), name


def test_a_secret_with_a_certificate_is_mounted_and_used() -> None:
    manifests = templated("-f", CHART / "examples" / "tls.yaml")
    settings = yaml.safe_load(only(manifests, "ConfigMap")["data"]["headrace.yaml"])
    deployment = only(manifests, "Deployment")
    (volume,) = (one for one in pod(deployment)["volumes"] if one["name"] == "tls")
    (mount,) = (one for one in headrace(deployment)["volumeMounts"] if one["name"] == "tls")
    service = only(manifests, "Service", "llm-headrace")

    assert volume["secret"] == {"secretName": "headrace-tls"}
    assert settings["tls"]["listen"] == {
        "certificate": f"{mount['mountPath']}/tls.crt",
        "key": f"{mount['mountPath']}/tls.key",
    }
    assert service["spec"]["ports"][0]["appProtocol"] == "https"
    assert mount["readOnly"]


def test_discovery_brings_rights_where_the_engines_are_and_a_token(tmp_path: Path) -> None:
    manifests = templated("-f", CHART / "examples" / "discovery.yaml")
    role, binding = only(manifests, "Role"), only(manifests, "RoleBinding")

    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "engines"
    assert role["rules"] == only(kustomized("gateway-discovery"), "Role")["rules"]
    assert binding["subjects"][0]["name"] == only(manifests, "ServiceAccount")["metadata"]["name"]
    assert pod(only(manifests, "Deployment"))["automountServiceAccountToken"] is True
    assert mounted(manifests, tmp_path).discovery.kubernetes[0].namespace == "engines"
    assert not [one for one in templated(*PLAIN) if one["kind"] == "Role"]
