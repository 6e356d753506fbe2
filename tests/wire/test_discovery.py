"""Engines found by DNS, in Kubernetes and in files: they come and go while requests run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from dns.rcode import Rcode

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.kubernetes import Cluster, cluster, endpoint, part, pod, pool, service
from tests.fixtures.nameserver import Nameserver, nameserver
from tests.fixtures.stack import Stack, eventually, serving

Port = Callable[[], int]


@asynccontextmanager
async def pods(port: int, *hosts: str) -> AsyncIterator[list[Engine]]:
    """Run simulated engines at one port of several loopback addresses, as pods have it."""
    if not hosts:
        yield []
        return
    profile = Profile(host=hosts[0], port=port, pace=0.002)
    async with running(profile) as first, pods(port, *hosts[1:]) as rest:
        yield [first, *rest]


def in_cluster(api: Cluster, folder: Path, more: str = "service: vllm") -> str:
    return f"discovery: {{kubernetes: [{{{more}, kubeconfig: {api.kubeconfig(folder)}}}]}}\n"


def nothing_known(document: str, port: Port) -> AbstractAsyncContextManager[Stack]:
    """Serve by settings whose sources find nothing at first."""
    return serving(document, port, ready=False)


def names(stack: Stack) -> set[str]:
    return {backend.name for backend in stack.instance.backends()}


def problems(stack: Stack) -> str:
    return " ".join(what for one in stack.instance.sources for what in one.problems)


async def served_by(stack: Stack) -> str:
    async with stack.ask(max_tokens=1) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-headrace-backend"]


@pytest.mark.setting(
    "discovery.kubernetes[].service",
    "discovery.kubernetes[].kubeconfig",
    "discovery.kubernetes[].backend.type",
)
async def test_a_pod_comes_terminates_and_goes_without_an_error(
    free_port: Port, tmp_path: Path
) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3") as engines:
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        more = "service: vllm, backend: {type: vllm}"
        async with serving(in_cluster(api, tmp_path, more), free_port) as stack:
            statuses: list[int] = []
            stop = asyncio.Event()

            async def load() -> None:
                while not stop.is_set():
                    async with stack.ask(max_tokens=5, stream=True) as answer:
                        whole = (await answer.read()).endswith(b"data: [DONE]\n\n")
                        statuses.append(answer.status if whole else 0)

            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(load())
                old, new = endpoint("127.0.0.2", "vllm-0"), endpoint("127.0.0.3", "vllm-1")
                await api.put("endpointslices", part(old, new, port=port))
                await eventually(lambda: bool(engines[1].requests))
                going = endpoint("127.0.0.2", "vllm-0", terminating=True)
                await api.put("endpointslices", part(going, new, port=port))
                await eventually(lambda: names(stack) == {"vllm-1"})
                await eventually(lambda: not stack.instance.leaving())
                before = len(engines[0].requests)
                await api.put("endpointslices", part(new, port=port))
                count = len(statuses)
                await eventually(lambda: len(statuses) > count + 10)
                stop.set()

            assert set(statuses) == {200}
            assert len(engines[0].requests) == before
            assert stack.instance.backends()[0].kind == "vllm"
            assert {sent for _, _, sent in api.requests} == {"Bearer t0ken"}


@pytest.mark.setting("discovery.kubernetes[].backend.weight")
async def test_annotations_of_the_service_say_how_its_engines_are_used(
    free_port: Port, tmp_path: Path
) -> None:
    port = free_port()
    said = service(type="vllm", weight="2.5", priority="3", max_in_flight="7", port=str(port))
    async with cluster(free_port) as api, pods(port, "127.0.0.2"):
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=1))
        await api.put("services", said)
        more = "service: vllm, backend: {weight: 9, type: sglang}"
        async with serving(in_cluster(api, tmp_path, more), free_port) as stack:
            (backend,) = stack.instance.backends()
            assert (backend.weight, backend.priority, backend.cap) == (2.5, 3, 7)
            assert await served_by(stack) == "vllm-0"
            assert backend.kind == "vllm"


@pytest.mark.setting("discovery.kubernetes[].selector", "discovery.kubernetes[].namespace")
async def test_services_are_found_by_label_everywhere(free_port: Port, tmp_path: Path) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        labels = {"team": "a"}
        one = part(endpoint("127.0.0.2", "one"), name="x", port=port, labels=labels)
        two = part(endpoint("127.0.0.3", "two"), name="y", port=port, labels={"team": "b"})
        await api.put("endpointslices", one)
        await api.put("endpointslices", two)
        more = "selector: team=a, namespace: '*'"
        async with serving(in_cluster(api, tmp_path, more), free_port) as stack:
            assert names(stack) == {"one"}
            assert api.requests[0][0] in {
                "/apis/discovery.k8s.io/v1/endpointslices",
                "/api/v1/services",
            }


async def test_what_is_known_stays_while_the_api_is_down_and_all_is_told(
    free_port: Port, tmp_path: Path
) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        async with serving(in_cluster(api, tmp_path), free_port) as stack:
            api.refuse["endpointslices"] = 503
            await api.disconnect()
            await eventually(lambda: "answers 503 for endpointslices" in problems(stack))

            assert await served_by(stack) == "vllm-0"
            (state,) = stack.instance.sources
            assert (state.current, state.failures, state.backends) == (False, 1, 1)

            api.refuse.clear()
            both = [endpoint("127.0.0.2", "vllm-0"), endpoint("127.0.0.3", "vllm-1")]
            await api.put("endpointslices", part(*both, port=port))
            await eventually(lambda: names(stack) == {"vllm-0", "vllm-1"})
            assert not problems(stack)


async def test_a_version_that_is_gone_is_answered_by_a_new_list(
    free_port: Port, tmp_path: Path
) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        async with serving(in_cluster(api, tmp_path), free_port) as stack:
            new = part(endpoint("127.0.0.3", "vllm-1"), port=port)
            new["metadata"]["resourceVersion"] = "105"
            api.objects["endpointslices", "llm", "vllm-abc"] = new  # an event nobody hears of

            await api.forget()

            await eventually(lambda: names(stack) == {"vllm-1"})


@pytest.mark.setting("discovery.kubernetes[].resync")
async def test_a_missed_event_is_made_good_by_a_list(free_port: Port, tmp_path: Path) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        more = "service: vllm, resync: 1s"
        async with serving(in_cluster(api, tmp_path, more), free_port) as stack:
            new = part(endpoint("127.0.0.3", "vllm-1"), port=port)
            new["metadata"]["resourceVersion"] = "105"
            api.objects["endpointslices", "llm", "vllm-abc"] = new

            await eventually(lambda: names(stack) == {"vllm-1"})


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "not accepted"), (403, "by a Role"), (404, "installed")]
)
async def test_an_api_that_refuses_at_the_start_is_asked_until_it_answers(
    free_port: Port, tmp_path: Path, status: int, advice: str
) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2"):
        api.refuse["endpointslices"] = status
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        async with nothing_known(in_cluster(api, tmp_path), free_port) as stack:
            await eventually(lambda: advice in problems(stack))
            async with stack.ask() as answer:
                assert answer.status == 503
                assert "kubernetes vllm" in await answer.text()

            api.refuse.clear()

            await eventually(lambda: bool(stack.instance.catalog().names()))
            assert await served_by(stack) == "vllm-0"


async def test_no_cluster_is_told_with_what_to_do(free_port: Port, tmp_path: Path) -> None:
    document = "discovery: {kubernetes: [{service: vllm, kubeconfig: /none/kubeconfig}]}\n"
    async with nothing_known(document, free_port) as stack:
        await eventually(lambda: "no access to a Kubernetes cluster" in problems(stack))
        assert "set kubeconfig" in problems(stack)


async def test_a_selector_that_matches_nothing_is_told_and_shown(
    free_port: Port, tmp_path: Path
) -> None:
    async with (
        cluster(free_port) as api,
        nothing_known(in_cluster(api, tmp_path, "selector: app=nothing"), free_port) as stack,
    ):
        await eventually(lambda: "no endpoint matches app=nothing" in problems(stack))
        admin = f"http://{stack.instance.settings.admin}"
        async with aiohttp.ClientSession(admin) as client:
            async with client.get("/readyz") as ready:
                assert ready.status == 503
                assert "no endpoint matches app=nothing" in await ready.text()
            async with client.get("/status") as status:
                (source,) = (await status.json())["discovery"]
            async with client.get("/metrics") as metrics:
                text = await metrics.text()
        assert (source["name"], source["backends"]) == ("kubernetes app=nothing", 0)
        assert 'headrace_discovery_up{source="kubernetes app=nothing"} 1.0' in text


@pytest.mark.setting("discovery.kubernetes[].pool")
async def test_the_pods_of_an_inference_pool_serve(free_port: Port, tmp_path: Path) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        await api.put("inferencepools", pool(port=port))
        await api.put("pods", pod("vllm-0", "127.0.0.2"))
        await api.put("pods", pod("other", "127.0.0.3", app="other"))
        async with serving(in_cluster(api, tmp_path, "pool: vllm"), free_port) as stack:
            assert names(stack) == {"vllm-0"}

            await api.put("inferencepools", pool(app="other", port=port))

            await eventually(lambda: names(stack) == {"other"})


@pytest.mark.setting("discovery.kubernetes[].port")
async def test_the_port_can_be_named(free_port: Port, tmp_path: Path) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2"):
        made = part(endpoint("127.0.0.2", "vllm-0"), port=port)
        made["ports"] = [{"name": "metrics", "port": 1}, {"name": "api", "port": port}]
        await api.put("endpointslices", made)
        async with serving(in_cluster(api, tmp_path, "service: vllm, port: api"), free_port) as it:
            assert await served_by(it) == "vllm-0"


def by_dns(server: Nameserver, more: str) -> str:
    resolver = f"resolver: '{server.address}', interval: 100ms"
    return f"discovery: {{dns: [{{name: engines.test, {resolver}, {more}}}]}}\n"


@pytest.mark.setting(
    "discovery.dns[].name",
    "discovery.dns[].port",
    "discovery.dns[].resolver",
    "discovery.dns[].interval",
)
async def test_addresses_come_and_go_with_their_records(free_port: Port) -> None:
    port = free_port()
    async with nameserver() as server, pods(port, "127.0.0.2", "127.0.0.3"):
        server.zone["engines.test", "A"] = ["127.0.0.2"]
        async with serving(by_dns(server, f"port: {port}"), free_port) as stack:
            assert await served_by(stack) == f"127.0.0.2:{port}"

            server.zone["engines.test", "A"] = ["127.0.0.3"]
            await eventually(lambda: names(stack) == {f"127.0.0.3:{port}"})

            server.failing = Rcode.SERVFAIL
            await eventually(lambda: "no answer from DNS" in problems(stack))
            assert await served_by(stack) == f"127.0.0.3:{port}"

            server.failing = None
            server.zone = {}
            await eventually(lambda: not names(stack))
            assert "DNS knows no engines.test" in problems(stack)


@pytest.mark.setting("discovery.dns[].record")
async def test_service_records_bring_port_weight_and_tier(free_port: Port) -> None:
    port, other = free_port(), free_port()
    async with nameserver() as server:
        server.zone["engines.test", "SRV"] = [
            f"0 30 {port} localhost.",
            f"7 0 {other} localhost.",
        ]
        async with (
            running(Profile(port=port)),
            running(Profile(port=other)),
            serving(by_dns(server, "record: srv"), free_port) as stack,
        ):
            first, second = stack.instance.backends()
            assert (first.name, first.priority) == (f"localhost:{port}", 0)
            assert (second.name, second.priority) == (f"localhost:{other}", 1)
            assert await served_by(stack) == first.name


async def test_hosts_of_service_records_need_be_known_to_their_own_server_only(
    free_port: Port,
) -> None:
    port = free_port()
    async with nameserver() as server, pods(port, "127.0.0.2"):
        server.zone["engines.test", "SRV"] = [f"0 0 {port} gpu-a.node.test."]
        server.zone["gpu-a.node.test", "A"] = ["127.0.0.2"]
        async with serving(by_dns(server, "record: srv"), free_port) as stack:
            (backend,) = stack.instance.backends()

            assert backend.url == f"http://127.0.0.2:{port}"
            assert await served_by(stack) == f"gpu-a.node.test:{port}"


async def test_a_file_of_backends_is_read_again_when_it_changes(
    free_port: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.boot.reload.INTERVAL", 0.02)
    port = free_port()
    file = tmp_path / "engines.json"
    async with pods(port, "127.0.0.2", "127.0.0.3"):
        await asyncio.to_thread(file.write_text, f'[{{"url": "http://127.0.0.2:{port}"}}]')
        async with serving(f"discovery: {{files: {file}}}\n", free_port) as stack:
            assert await served_by(stack) == f"127.0.0.2:{port}"
            await asyncio.to_thread(file.write_text, f'[{{"url": "http://127.0.0.3:{port}"}}]')
            await eventually(lambda: names(stack) == {f"127.0.0.3:{port}"})


async def test_a_reload_changes_sources_and_leaves_what_they_found(
    free_port: Port, tmp_path: Path
) -> None:
    port = free_port()
    async with cluster(free_port) as api, pods(port, "127.0.0.2", "127.0.0.3"):
        await api.put("endpointslices", part(endpoint("127.0.0.2", "vllm-0"), port=port))
        async with serving(in_cluster(api, tmp_path), free_port) as stack:
            (backend,) = stack.instance.backends()
            shown = str(stack.instance.config()["settings"])
            assert "vllm-0" not in shown  # what is found is not what was set
            own = f"backends: [{{name: own, url: 'http://127.0.0.3:{port}'}}]\n"

            outcome = await stack.reload(in_cluster(api, tmp_path) + own)
            assert [change.path for change in outcome.changes] == ["backends[own]"]
            assert stack.instance.backends()[1] is backend

            heavier = in_cluster(api, tmp_path, "service: vllm, backend: {weight: 4}")
            await stack.reload(heavier + own)
            assert backend in stack.instance.backends()
            await eventually(lambda: backend.weight == 4.0)

            await stack.reload(own)
            assert names(stack) == {"own"}
            assert not stack.instance.sources
