"""The compose files: mounts exist, settings are in order, engines are services. Never started."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.fixtures.deployed import DEPLOY, Document, settings

STACKS = sorted((DEPLOY / "compose").glob("*/compose.yaml"))
each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.parent.name)


def services(stack: Path) -> dict[str, Document]:
    """Return the services of a compose file, anchors merged."""
    found: dict[str, Document] = yaml.safe_load(stack.read_text())["services"]
    return found


def seconds(text: str) -> int:
    """Return a compose duration, of which these files use one unit."""
    return int(text.removesuffix("s"))


@each_stack
def test_what_is_mounted_exists_and_volumes_are_declared(stack: Path) -> None:
    declared = yaml.safe_load(stack.read_text())["volumes"]
    for service in services(stack).values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (stack.parent / source).exists() if source[0] == "." else source in declared


@each_stack
def test_the_image_is_built_from_the_root(stack: Path) -> None:
    build = services(stack)["headrace"]["build"]
    root = (stack.parent / build["context"]).resolve()

    assert (root / build["dockerfile"]).samefile(DEPLOY / "docker" / "Dockerfile")
    assert (root / "pyproject.toml").exists()


@each_stack
def test_backends_are_services_and_headrace_has_time_to_drain(stack: Path, tmp_path: Path) -> None:
    inside = settings((stack.parent / "headrace.yaml").read_text(), tmp_path)
    proxy = services(stack)["headrace"]

    assert {urlsplit(backend.url).hostname for backend in inside.backends} <= services(stack).keys()
    assert seconds(proxy["stop_grace_period"]) > inside.drain.delay + inside.drain.timeout
    assert (inside.listen.port, inside.admin.port) == (8900, 8901), "the image's health check"


@each_stack
def test_headrace_is_confined_and_its_admin_address_stays_at_home(stack: Path) -> None:
    proxy = services(stack)["headrace"]

    assert proxy["read_only"] is True
    assert proxy["cap_drop"] == ["ALL"]
    assert proxy["security_opt"] == ["no-new-privileges:true"]
    assert not [one for one in proxy["ports"] if "8901" in one and not one.startswith("127.0.0.1:")]


def test_prometheus_scrapes_the_service_and_grafana_asks_prometheus() -> None:
    stack = services(DEPLOY / "compose" / "vllm" / "compose.yaml")
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    folder = DEPLOY / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())
    (provider,) = yaml.safe_load((folder / "dashboards" / "headrace.yaml").read_text())["providers"]
    (job,) = scraped["scrape_configs"]

    assert job["static_configs"][0]["targets"] == ["headrace:8901"]
    assert urlsplit(sources["datasources"][0]["url"]).hostname in stack
    mounts = [one.split(":")[1] for one in stack["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounts
