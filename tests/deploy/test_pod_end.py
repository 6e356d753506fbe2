"""A pod ends as the sidecar says: hook, then engine, then headrace; no answer is cut."""

import asyncio
import signal
from collections.abc import Callable

import aiohttp

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.deployed import Document, kustomized, only, pod
from tests.fixtures.process import ProxyProcess, proxy_process

MODEL = "simulated-model"
FreePort = Callable[[], int]


def hook() -> str:
    """Return the path that the kubelet asks for before it stops the engine."""
    (engine,) = pod(only(kustomized("sidecar"), "Deployment"))["containers"]
    asked: Document = engine["lifecycle"]["preStop"]["httpGet"]
    path: str = asked["path"]
    return path


async def answer(client: aiohttp.ClientSession, url: str, tokens: int) -> bytes:
    """Return a whole streamed answer; one that is cut raises."""
    body = {
        "model": MODEL,
        "stream": True,
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": "hi"}],
    }
    async with client.post(f"{url}/v1/chat/completions", json=body) as got:
        assert got.status == 200
        return await got.read()


async def unready(client: aiohttp.ClientSession, proxy: ProxyProcess) -> None:
    """Wait until the pod's readiness is gone."""
    async with asyncio.timeout(30):
        while True:
            async with client.get(f"{proxy.admin}/readyz") as got:
                if got.status == 503:
                    return
            await asyncio.sleep(0.01)


async def test_no_answer_is_cut_when_the_pod_ends(free_port: FreePort) -> None:
    engine = await start_engine(Profile(models=(MODEL,), pace=0.03, output_tokens=200))
    more = "drain: {delay: 4s, timeout: 60s}\n"
    async with proxy_process([engine], free_port, more) as proxy, aiohttp.ClientSession() as client:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(answer(client, proxy.url, 180))
            await asyncio.sleep(0.3)
            ending = group.create_task(client.get(f"{proxy.admin}{hook()}"))
            await unready(client, proxy)
            late = group.create_task(answer(client, proxy.url, 5))
            drained = await ending
            assert running.done(), "the hook came back while an answer was running"
        assert drained.status == 200
        await engine.stop()
        proxy.send(signal.SIGTERM)
        assert await proxy.ended() == 0
    assert running.result().endswith(b"data: [DONE]\n\n")
    assert late.result().endswith(b"data: [DONE]\n\n")
