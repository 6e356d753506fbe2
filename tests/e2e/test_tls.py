"""TLS as an operator meets it: a start that is refused, two workers, a renewed certificate."""

import asyncio
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import running_from, settings_file, start
from tests.fixtures.sealed import Papers
from tests.fixtures.stack import eventually

FreePort = Callable[[], int]
BODY = {"model": "m", "max_tokens": 2, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("command", ["serve", "check"])
async def test_an_expired_certificate_stops_the_start(tmp_path: Path, command: str) -> None:
    papers = Papers(tmp_path)
    papers.issue("old.pem", ends=-1.0)
    file = settings_file(
        tmp_path, ["http://127.0.0.1:9"], "tls: {listen: {certificate: old.pem}}\n"
    )

    process = start([command, "-c", str(file)], tmp_path)
    code = await asyncio.to_thread(process.wait, 30)

    assert code == 2
    said = (tmp_path / "err").read_text()
    assert "tls.listen.certificate" in said
    assert "expired on" in said


async def serial(port: int, context: ssl.SSLContext) -> object:
    """Return the serial number of the certificate a port shows."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="127.0.0.1"
    )
    found = writer.get_extra_info("peercert")["serialNumber"]
    writer.transport.abort()
    return found


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_renewed_certificate_is_shown_by_every_worker(
    tmp_path: Path, free_port: FreePort, workers: int
) -> None:
    papers = Papers(tmp_path)
    papers.issue("ours.pem")
    engine = await start_engine(Profile(models=("m",), port=free_port()))
    more = f"workers: {workers}\ntls: {{listen: {{certificate: ours.pem}}}}\n"
    file = settings_file(tmp_path, [engine.url], more)
    context = papers.client()
    try:
        async with running_from(file, free_port) as proxy:
            port = int(proxy.url.rpartition(":")[2])
            url = f"https://127.0.0.1:{port}/v1/chat/completions"
            await eventually(lambda: '"serving"' in proxy.log())
            async with aiohttp.ClientSession() as client:
                async with client.post(url, json=BODY, ssl=context) as answer:
                    assert answer.status == 200
                before = await serial(port, context)
                await asyncio.to_thread(papers.issue, "ours.pem")
                proxy.send(signal.SIGHUP)
                async with asyncio.timeout(40):
                    while before in [await serial(port, context) for _ in range(12)]:
                        pass  # each worker takes some of the twelve
                async with client.post(url, json=BODY, ssl=context) as answer:
                    assert answer.status == 200
    finally:
        await engine.stop()
