"""The real process finds its engines in a cluster, with one process and with workers."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from tests.fixtures.kubernetes import cluster, endpoint, part
from tests.fixtures.process import running_from
from tests.fixtures.stack import MODEL

DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_rollout_of_pods_is_not_noticed_by_clients(
    workers: int, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    old, new = endpoint("127.0.0.2", "vllm-0"), endpoint("127.0.0.3", "vllm-1")
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(cluster(free_port))
        for host in ("127.0.0.2", "127.0.0.3"):
            profile = Profile(host=host, port=port, pace=0.005)
            await stack.enter_async_context(running(profile))
        await api.put("endpointslices", part(old, port=port))
        config = tmp_path / "headrace.yaml"
        source = f"{{service: vllm, kubeconfig: {api.kubeconfig(tmp_path)}}}"
        document = f"workers: {workers}\ndiscovery: {{kubernetes: [{source}]}}\n"
        await asyncio.to_thread(config.write_text, document)
        proxy = await stack.enter_async_context(running_from(config, free_port))
        client = await stack.enter_async_context(aiohttp.ClientSession(proxy.url))
        seen: list[tuple[str, bool]] = []

        async def ask() -> None:
            body = {"model": MODEL, "messages": [], "max_tokens": 5, "stream": True}
            headers = {"Connection": "close"}  # another worker may take the next one
            async with client.post("/v1/chat/completions", json=body, headers=headers) as answer:
                whole = (await answer.read()).endswith(DONE)
                assert answer.status == 200, await answer.text()
                seen.append((answer.headers["x-headrace-backend"], whole))

        async def until(names: set[str]) -> None:
            async with asyncio.timeout(30):
                while {name for name, _ in seen[-8:]} != names:
                    await asyncio.gather(*(ask() for _ in range(4)))

        await until({"vllm-0"})
        await api.put("endpointslices", part(old, new, port=port))
        await until({"vllm-0", "vllm-1"})
        going = endpoint("127.0.0.2", "vllm-0", terminating=True)
        await api.put("endpointslices", part(going, new, port=port))
        await until({"vllm-1"})
        await api.put("endpointslices", part(new, port=port))
        await until({"vllm-1"})

        assert all(whole for _, whole in seen)


@pytest.mark.parametrize("workers", [1, 2])
async def test_until_engines_are_found_requests_are_told_to_come_again(
    workers: int, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    config = tmp_path / "headrace.yaml"
    source = "{service: vllm, kubeconfig: /nowhere/kubeconfig}"
    document = f"workers: {workers}\ndiscovery: {{kubernetes: [{source}]}}\n"
    await asyncio.to_thread(config.write_text, document)
    async with (
        running_from(config, free_port, 0) as proxy,
        aiohttp.ClientSession(proxy.url) as client,
        client.post("/v1/chat/completions", json={"model": MODEL, "messages": []}) as answer,
    ):
        assert answer.status == 503, await answer.text()
        assert "kubernetes vllm" in await answer.text()
        assert answer.headers["Retry-After"]
