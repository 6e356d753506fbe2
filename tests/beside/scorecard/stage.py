"""Engines and headrace as processes of their own, for one figure."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.driver import engines
from benchmarks.driver.procs import NotReadyError, free_port
from benchmarks.driver.workload import MODEL
from benchmarks.fake.launch import Child, launched
from benchmarks.fake.profile import Profile
from benchmarks.measure import host
from tests.fixtures.process import ProxyProcess, running_from

TAKEN: set[int] = set()  # ports of this run: none is used twice


def port() -> int:
    """Return a loopback port that nobody listens on."""
    return free_port(TAKEN)


def port_of(url: str) -> int:
    """Return the port of a base address."""
    return int(url.rpartition(":")[2])


def profiles(count: int, **more: object) -> list[Profile]:
    """Return simulated engines on ports of their own that stay theirs when they start again."""
    made = [Profile(name=f"engine-{n}", port=port(), models=(MODEL,)) for n in range(count)]
    return [msgspec.structs.replace(one, **more) for one in made]


class Stage(msgspec.Struct, kw_only=True):
    """What runs. `engines` are in the order of their profiles."""

    engines: list[Child]
    proxy: ProxyProcess
    folder: Path

    @property
    def port(self) -> int:
        """Where clients ask."""
        return port_of(self.proxy.url)

    @property
    def admin(self) -> int:
        """Where the admin application answers."""
        return port_of(self.proxy.admin)

    def rss_kib(self) -> int:
        """Return the resident memory of the proxy and its workers."""
        return host.memory([self.proxy.process.pid]).rss_kib

    async def settled(self, seconds: float = 20.0) -> int:
        """Wait until the proxy's memory grows no more; return it in KiB."""
        before, rss = -1, self.rss_kib()
        async with asyncio.timeout(seconds):
            while abs(rss - before) > rss // 500:
                await asyncio.sleep(1.0)
                before, rss = rss, self.rss_kib()
        return rss

    async def asked(self) -> list[int]:
        """Return how many requests each engine has been sent."""
        return [await asked(port_of(each.url)) for each in self.engines]


class _Seen(msgspec.Struct):
    requests: list[msgspec.Raw]


async def asked(engine: int) -> int:
    """Return how many requests an engine has been sent since it started."""
    found = msgspec.json.decode(await engines.ask(engine, "GET", "requests"), type=_Seen)
    return len(found.requests)


def settings(urls: Sequence[str], more: str = "", each: str = "") -> str:
    """Return settings in front of engines; `more` is further YAML, `each` a field of every one."""
    fields = f", {each}" if each else ""
    listed = "".join(f"  - {{name: e{n}, url: '{url}'{fields}}}\n" for n, url in enumerate(urls))
    return f"backends:\n{listed}{more}"


@asynccontextmanager
async def staged(
    shapes: Sequence[Profile], more: str = "", each: str = "", module: str = "proxy"
) -> AsyncIterator[Stage]:
    """Run engines and headrace before them, from a file; comes back when all models are known."""
    async with AsyncExitStack() as stack:
        children = await stack.enter_async_context(launched(shapes))
        urls = [child.url for child in children]
        stage = await stack.enter_async_context(proxied(urls, more, each, module))
        stage.engines = children
        yield stage


@asynccontextmanager
async def proxied(
    urls: Sequence[str], more: str = "", each: str = "", module: str = "proxy"
) -> AsyncIterator[Stage]:
    """Run headrace before engines that run already.

    `each` is a field of every backend; `module` is what is run instead of headrace, and runs it.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scorecard-")))
        file = folder / "headrace.yaml"
        file.write_text(settings(urls, more, each))
        proxy = await stack.enter_async_context(running_from(file, port, len(urls), module))
        yield Stage(engines=[], proxy=proxy, folder=folder)


async def page(where: int, path: str, *, method: str = "GET") -> bytes:
    """Return the body of a page of the admin application. Raises NotReadyError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", where)
    writer.write(f"{method} {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    try:
        async with asyncio.timeout(10):
            head, found, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    if not found or b" 200 " not in head[:16]:
        raise NotReadyError(f"{path}: {head[:100]!r}")
    return body


async def metric(where: int, name: str) -> float:
    """Return the sum of a metric over its labels."""
    text = (await page(where, "/metrics")).decode()
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith(name)]
    return sum(float(value) for label, _, value in rows if label.partition("{")[0] == name)
