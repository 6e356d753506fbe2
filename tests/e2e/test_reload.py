"""Reload and drain of the real process: by signal, by its files, by its admin address."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import ProxyProcess, environment, proxy_process, running_from
from tests.fixtures.stack import MODEL

FreePort = Callable[[], int]
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Child, Child]]:
    """Two engines in processes of their own, with the same model."""
    profile = Profile(pace=0.02, output_tokens=8)
    one, two = await start_engine(profile), await start_engine(profile)
    yield one, two
    await one.stop()
    await two.stop()


def chat(tokens: int, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": "hi"}]
    more = {"stream": stream, "max_tokens": tokens, "ignore_eos": True}
    return {"model": MODEL, "messages": messages, **more}


async def served_by(client: aiohttp.ClientSession, proxy: ProxyProcess) -> str:
    url = f"{proxy.url}/v1/chat/completions"
    async with client.post(url, json=chat(1, stream=False)) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-headrace-backend"]


async def begun(client: aiohttp.ClientSession, proxy: ProxyProcess) -> aiohttp.ClientResponse:
    url = f"{proxy.url}/v1/chat/completions"
    answer = await client.post(url, json=chat(100, stream=True))
    await answer.content.readline()
    return answer


async def logged(proxy: ProxyProcess, event: str, times: int = 1) -> dict[str, object]:
    """Wait for the log line with this event, the last of so many, and return it."""
    async with asyncio.timeout(40):
        while True:
            lines = [json.loads(line) for line in proxy.log().splitlines()]
            found = [line for line in lines if line["event"] == event]
            if len(found) >= times:
                return dict(found[-1])
            await asyncio.sleep(0.02)


def document(name: str, engine: Child, more: str = "") -> str:
    return f"backends: [{{name: {name}, url: '{engine.url}'}}]\n{more}"


async def test_sighup_moves_new_calls_and_no_running_stream(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(document("one", pair[0]))
    async with running_from(file, free_port) as proxy, aiohttp.ClientSession() as client:
        stream = await begun(client, proxy)
        file.write_text(document("two", pair[1], "limits: {queue: 7}\nworkers: 1\n"))

        proxy.send(signal.SIGHUP)
        line = await logged(proxy, "settings reloaded")

        assert line["cause"] == "SIGHUP"
        assert "limits.queue: 1024 -> 7" in str(line["changes"])
        assert {await served_by(client, proxy) for _ in range(4)} == {"two"}
        assert (await stream.read()).endswith(DONE)
        assert stream.headers["x-headrace-backend"] == "one"


async def test_a_broken_file_changes_nothing_and_is_told_in_full(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(document("one", pair[0]))
    async with running_from(file, free_port) as proxy, aiohttp.ClientSession() as client:
        file.write_text(document("one", pair[0], "limits: {bodyy: 1, queue: -1}\n"))

        proxy.send(signal.SIGHUP)
        line = await logged(proxy, "settings not reloaded, those of before stay")

        assert len(line["problems"]) == 2  # type: ignore[arg-type]
        assert await served_by(client, proxy) == "one"
        async with client.get(f"{proxy.admin}/metrics") as answer:
            text = await answer.text()
        assert "\nheadrace_config_valid 0.0\n" in text
        assert 'headrace_config_reloads_total{result="failed"} 1.0' in text


async def test_a_mounted_configmap_is_followed(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    for number, engine in enumerate(pair):
        folder = tmp_path / f"..2026_{number}"
        folder.mkdir()
        keyed = f"backends: [{{name: n{number}, url: '{engine.url}', api_key_file: key}}]\n"
        (folder / "headrace.yaml").write_text(keyed)
        (folder / "key").write_text(f"sk-{number}")
    (tmp_path / "..data").symlink_to("..2026_0")
    for name in ("headrace.yaml", "key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    async with (
        running_from(tmp_path / "headrace.yaml", free_port) as proxy,
        aiohttp.ClientSession() as client,
    ):
        assert await served_by(client, proxy) == "n0"
        (tmp_path / "..data_tmp").symlink_to("..2026_1")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

        assert (await logged(proxy, "settings reloaded"))["cause"] == "a file has changed"
        assert await served_by(client, proxy) == "n1"

        (tmp_path / "..2026_1" / "key").write_text("sk-rotated")
        line = await logged(proxy, "settings reloaded", times=2)
        assert line["changes"] == ["backends[n1].api_key: changed"]


def check(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "proxy", "check", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


async def test_check_tells_what_a_reload_would_change(
    pair: tuple[Child, Child], free_port: FreePort, tmp_path: Path
) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(document("one", pair[0]))
    async with running_from(file, free_port) as proxy:
        words = ["--diff", "-c", str(file), "--admin", proxy.admin]
        same = await asyncio.to_thread(check, *words)
        assert (same.returncode, same.stderr) == (0, "")

        other = tmp_path / "other.yaml"
        other.write_text(document("two", pair[1], "log: {level: debug}\n"))
        words[2] = str(other)
        found = await asyncio.to_thread(check, *words)
        assert found.returncode == 1
        assert "backends[one]: removed" in found.stdout
        assert "log.level: info -> debug" in found.stdout
        assert "listen" not in found.stdout  # the flag of the process stays

        other.write_text("limits: {queue: x}\n")
        assert (await asyncio.to_thread(check, *words)).returncode == 2
    words[2] = str(file)
    assert (await asyncio.to_thread(check, *words)).returncode == 2


async def test_a_drain_by_the_hook_leaves_nothing_to_wait_for(
    pair: tuple[Child, Child], free_port: FreePort
) -> None:
    more = "drain: {delay: 300ms, timeout: 60s}\n"
    async with (
        proxy_process([pair[0]], free_port, more) as proxy,
        aiohttp.ClientSession() as client,
    ):
        stream = await begun(client, proxy)
        async with client.get(f"{proxy.admin}/drain?wait=30s") as answer:
            assert (answer.status, await answer.json()) == (
                200,
                {"status": "drained", "in_flight": 0},
            )
        assert (await stream.read()).endswith(DONE)
        async with client.get(f"{proxy.admin}/readyz") as answer:
            assert answer.status == 503
        assert proxy.process.poll() is None

        proxy.send(signal.SIGTERM)
        assert await proxy.ended() == 0
        assert proxy.log().count('"event":"draining"') == 1
