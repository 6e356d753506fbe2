"""A real Prometheus scrapes a real headrace; rules and panels are asked what they make of it."""

import asyncio
import contextlib
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Dialect, Profile
from proxy.telemetry.families import FAMILIES, PROCESS
from tests.fixtures.deployed import DEPLOY, Document, dashboards, expressions, program
from tests.fixtures.process import ProxyProcess, proxy_process

MODEL = "simulated-model"
FreePort = Callable[[], int]

# llama.cpp says how many it can run at once, so that there is a cap, and with it a queue.
SLOTS = Profile(
    dialect=Dialect.LLAMACPP, models=(MODEL,), pace=0.02, output_tokens=40, max_num_seqs=2
)


class Server:
    """A running Prometheus."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self._url = url
        self._client = client

    async def get(self, path: str, **words: str) -> Document:
        """Return the data of an API answer, or fail with the error it tells."""
        async with self._client.get(f"{self._url}{path}", params=words) as answer:
            told: Document = json.loads(await answer.read())
        assert told["status"] == "success", (words, told)
        data: Document = told["data"]
        return data

    async def draws(self, expression: str) -> bool:
        """Tell whether a panel of the last minute shows anything; fail if it cannot be read."""
        now = time.time()
        words = {"start": f"{now - 60:.3f}", "end": f"{now:.3f}", "step": "0.3"}
        found = await self.get("/api/v1/query_range", query=expression, **words)
        return bool(found["result"])

    async def answers(self) -> bool:
        """Tell whether it is up."""
        try:
            async with self._client.get(f"{self._url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def configured(folder: Path, target: str) -> Path:
    """Write the project's own configuration with another target and faster clocks."""
    document = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    document["global"] = {"scrape_interval": "300ms", "evaluation_interval": "300ms"}
    document["rule_files"] = [str(DEPLOY / "prometheus" / "rules" / "*.yaml")]
    (job,) = document["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def started(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program with its output in a file."""
    with log.open("wb") as out:
        return subprocess.Popen(words, stdout=out, stderr=out)


@asynccontextmanager
async def prometheus(folder: Path, port: int, target: str) -> AsyncIterator[Server]:
    """Run Prometheus on a port, scraping one target."""
    words = [
        program("prometheus", "a real Prometheus scrapes headrace and answers the dashboards"),
        f"--config.file={configured(folder, target)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    process = started(words, folder / "prometheus.log")
    try:
        async with aiohttp.ClientSession() as client:
            server = Server(f"http://127.0.0.1:{port}", client)
            async with asyncio.timeout(30):
                while not await server.answers():
                    assert process.poll() is None, (folder / "prometheus.log").read_text()
                    await asyncio.sleep(0.05)
            yield server
    finally:
        process.terminate()
        process.wait(10)


async def ask(client: aiohttp.ClientSession, url: str, model: str = MODEL) -> None:
    """Send a streamed request and read its answer."""
    body = {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "hi"}],
    }
    async with client.post(f"{url}/v1/chat/completions", json=body) as answer:
        with contextlib.suppress(aiohttp.ClientPayloadError):  # that of an engine that died
            await answer.read()


async def trouble(proxy: ProxyProcess, doomed: Child) -> None:
    """Send more than there is room for, let an engine die of it, ask for what nobody has."""
    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
        for _ in range(24):
            group.create_task(ask(client, proxy.url))
        await asyncio.sleep(2.8)  # three rounds of answers end, each seen by other scrapes
        doomed.kill()
        group.create_task(ask(client, proxy.url, "no-such-model"))


# What is off unless somebody asks for it has no series here.
_OFF = re.compile(
    "headrace_(hedges|continuations|discovery|key_|limits_shared|tls_handshakes)",
)


async def silent(server: Server, wanted: Iterable[str], seconds: float = 60.0) -> list[str]:
    """Return the expressions that draw nothing, however often they are asked for."""
    left = list(dict.fromkeys(wanted))
    try:
        async with asyncio.timeout(seconds):
            while left:
                left = [one for one in left if not await server.draws(one)]
                await asyncio.sleep(0.3)
    except TimeoutError:
        return left
    return []


async def test_dashboards_and_rules_work_on_what_a_real_prometheus_scrapes(
    tmp_path: Path, free_port: FreePort
) -> None:
    panels = [expression for one in dashboards().values() for expression in drawn(one)]
    lasting, doomed = await start_engine(SLOTS), await start_engine(SLOTS)
    try:
        async with (
            proxy_process([lasting, doomed], free_port) as proxy,
            prometheus(tmp_path, free_port(), proxy.admin.removeprefix("http://")) as server,
        ):
            assert not await silent(server, ['up{job="headrace"} == 1'])
            await trouble(proxy, doomed)

            assert not await silent(server, [one for one in panels if not _OFF.search(one)])
            for one in filter(_OFF.search, panels):
                await server.draws(one)  # nothing, but Prometheus understands the question
            await same_types(server)
            await rules_are_healthy(server)
            await the_dead_engine_is_alerted(server)
    finally:
        await lasting.stop()
        await doomed.stop()


def drawn(dashboard: Document) -> list[str]:
    """Return what panels draw; notes (starts of a process) may have nothing to say."""
    notes = {note["name"] for note in dashboard["annotations"]["list"]}
    return [expression for title, expression in expressions(dashboard) if title not in notes]


async def same_types(server: Server) -> None:
    """Compare what Prometheus was told of each series with what the reference says."""
    told = await server.get("/api/v1/metadata")
    ours = {name: one for name, (one, *_) in told.items() if name.startswith("headrace_")}

    assert {name: (one["type"], one["help"]) for name, one in ours.items()} == {
        family.name: (family.type, family.help) for family in FAMILIES
    }
    assert {name for name in told if name.startswith("process_")} <= set(PROCESS)


async def rules_are_healthy(server: Server) -> None:
    """Look whether every rule was evaluated, and every recorded series has come about."""
    groups = (await server.get("/api/v1/rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert {rule["health"] for rule in rules} == {"ok"}
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert recorded
    assert not await silent(server, recorded)


async def the_dead_engine_is_alerted(server: Server) -> None:
    """Look whether the killed engine is on its way to an alert, and the other is not."""
    alerts = (await server.get("/api/v1/alerts"))["alerts"]
    down = [one for one in alerts if one["labels"]["alertname"] == "HeadraceBackendDown"]

    assert [one["labels"]["backend"] for one in down] == ["engine-1"]
