"""What is followed for a source, and what its parts come to when one of them cannot be asked."""

import asyncio
from collections.abc import AsyncGenerator

import orjson
import pytest
from typing_extensions import override

from proxy.discovery.cluster import POOLS, Cluster
from proxy.discovery.finding import Finding
from proxy.discovery.reflector import Parameters, Timing, Trouble
from proxy.settings.discovery import KubernetesSource
from tests.fixtures.kubernetes import Json, endpoint, part, pod, pool, service
from tests.fixtures.listing import ScriptedApi, page
from tests.fixtures.stack import eventually

SLICES = "/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices"
SERVICES = "/api/v1/namespaces/llm/services"
PODS = "/api/v1/namespaces/llm/pods"


class ByPath(ScriptedApi):
    """Lists what stands under a path; a watch there ends when the path is set in `again`."""

    def __init__(self, there: dict[str, Json | Trouble]) -> None:
        super().__init__()
        self.there = there
        self.again = asyncio.Event()

    @override
    async def get(self, path: str, parameters: Parameters) -> bytes:
        self.asked.append((path, dict(parameters)))
        said = self.there.get(path, Trouble("none", 404))
        if isinstance(said, Trouble):
            raise said
        return orjson.dumps(said)

    @override
    async def lines(self, path: str, parameters: Parameters) -> AsyncGenerator[bytes, None]:
        self.asked.append((path, dict(parameters)))
        await self.again.wait()
        raise Trouble("gone", 410)
        yield b""


class Scene:
    """A source that is followed."""

    def __init__(self, source: KubernetesSource, there: dict[str, Json | Trouble]) -> None:
        self.findings: list[Finding] = []
        self.api = ByPath(there)
        loop = asyncio.get_running_loop()
        timing = Timing(
            resync=60.0, random=lambda: 0.5, now=loop.time, sleep=lambda _: asyncio.sleep(0)
        )
        made = Cluster(source, self.api, "llm", timing, self.findings.append)
        self.task = loop.create_task(made.run())

    @property
    def last(self) -> Finding:
        return self.findings[-1] if self.findings else Finding()

    async def settled(self, names: list[str]) -> None:
        await eventually(lambda: [one.name for one in self.last.backends] == names)

    def stop(self) -> None:
        self.task.cancel()


def slices(*endpoints: Json) -> Json:
    return page(part(*endpoints))


async def test_slices_and_services_of_one_service_are_asked_for() -> None:
    there: dict[str, Json | Trouble] = {
        SLICES: slices(endpoint("10.0.0.1", "a")),
        SERVICES: page(service(weight="2")),
    }
    scene = Scene(KubernetesSource(service="vllm"), there)

    await eventually(lambda: any(one.weight == 2.0 for one in scene.last.backends))

    selectors = dict(scene.api.asked)
    assert selectors[SLICES]["labelSelector"] == "kubernetes.io/service-name=vllm"
    assert selectors[SERVICES]["fieldSelector"] == "metadata.name=vllm"
    scene.stop()


async def test_without_the_right_to_read_services_engines_are_found_all_the_same() -> None:
    there: dict[str, Json | Trouble] = {
        SLICES: slices(endpoint("10.0.0.1", "a")),
        SERVICES: Trouble("answers 403 for services", 403),
    }
    scene = Scene(KubernetesSource(service="vllm"), there)

    await scene.settled(["a"])
    await eventually(lambda: bool(scene.last.problems))

    assert scene.last.problems == ("answers 403 for services",)
    assert scene.last.current
    scene.stop()


async def test_without_slices_it_is_not_current() -> None:
    scene = Scene(KubernetesSource(service="vllm"), {SLICES: Trouble("answers 403", 403)})

    await eventually(lambda: "answers 403" in scene.last.problems)

    assert not scene.last.current
    scene.stop()


@pytest.mark.parametrize("version", POOLS)
async def test_a_pool_is_read_in_either_version(version: str) -> None:
    path = f"/apis/{version}/namespaces/llm/inferencepools"
    there: dict[str, Json | Trouble] = {path: page(pool()), PODS: page(pod("a", "10.0.0.1"))}
    scene = Scene(KubernetesSource(pool="vllm"), there)

    await scene.settled(["a"])

    assert dict(scene.api.asked)[PODS]["labelSelector"] == "app=vllm"
    scene.stop()


async def test_a_cluster_without_pools_is_told_and_asked_again() -> None:
    scene = Scene(KubernetesSource(pool="vllm"), {})

    await eventually(lambda: "install its custom resource" in "".join(scene.last.problems))
    path = f"/apis/{POOLS[0]}/namespaces/llm/inferencepools"
    scene.api.there |= {path: page(pool()), PODS: page(pod("a", "10.0.0.1"))}

    await scene.settled(["a"])
    scene.stop()


async def test_a_pool_that_is_gone_has_no_engines() -> None:
    path = f"/apis/{POOLS[0]}/namespaces/llm/inferencepools"
    there: dict[str, Json | Trouble] = {path: page(pool()), PODS: page(pod("a", "10.0.0.1"))}
    scene = Scene(KubernetesSource(pool="vllm"), there)
    await scene.settled(["a"])

    scene.api.there[path] = page()
    scene.api.again.set()

    await scene.settled([])
    assert "there is no InferencePool vllm" in scene.last.problems[0]
    scene.stop()
