"""The dashboard in a real browser: numbers move, faults are named, nothing breaks or leaks out."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from proxy.edge import admin, portrait
from tests.fixtures.fleet import make_backend, take_down
from tests.fixtures.process import ProxyProcess, proxy_process, running_from
from tests.fixtures.view import FakeView

playwright = pytest.importorskip(
    "playwright.async_api", reason="playwright is not installed: pip install playwright"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: chromium)"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of playwright's own
]
MODEL = "simulated-model"
PATIENCE = 120_000.0  # milliseconds: a browser on a busy machine
LONG = "inference-cluster-eu-west-1b-node-{:03d}.vllm-llama-3-1-70b-instruct.svc"
FreePort = Callable[[], int]


class Browser:
    """A browser and everything its pages complained about or fetched from elsewhere."""

    def __init__(self, chromium: Any, admin: str) -> None:
        self._chromium = chromium
        self._admin = admin
        self.told: list[str] = []

    async def open(self, *, scheme: str = "light", feed: bytes = b"", password: str = "") -> Any:
        """Open the dashboard; with `feed` it shows that document instead of the proxy's."""
        known = {"http_credentials": {"username": "any", "password": password}} if password else {}
        page = await self._chromium.new_page(
            viewport={"width": 1280, "height": 900}, color_scheme=scheme, **known
        )
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        if feed:
            body = b"retry: 100000\ndata: " + feed + b"\n\n"
            headers = {"content-type": "text/event-stream"}
            await page.route(
                "**/fleet/feed", lambda route: route.fulfill(body=body, headers=headers)
            )
        await page.goto(f"{self._admin}/dashboard")
        await until(page, "document.getElementById('headline').textContent !== ''")
        return page

    async def refused(self, password: str) -> int:
        """Return the status that somebody sees whose password is wrong."""
        known = {"username": "any", "password": password}
        page = await self._chromium.new_page(http_credentials=known)
        page.set_default_timeout(PATIENCE)
        answer = await page.goto(f"{self._admin}/dashboard")
        status: int = answer.status
        return status

    def _asked(self, url: str) -> None:
        if not url.startswith(self._admin):
            self.told.append(url)


@asynccontextmanager
async def browsing(proxy: ProxyProcess) -> AsyncIterator[Browser]:
    """Start a browser; at its end nothing may have been complained about."""
    async with playwright.async_playwright() as play:
        chromium = await play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE
        )
        browser = Browser(chromium, proxy.admin)
        yield browser
        await chromium.close()
    assert browser.told == []


@asynccontextmanager
async def engines(*profiles: Profile) -> AsyncIterator[list[Child]]:
    """Run engines in processes of their own."""
    children = [await start_engine(profile) for profile in profiles]
    yield children
    for child in children:
        await child.stop()


@asynccontextmanager
async def load(proxy: ProxyProcess, clients: int) -> AsyncIterator[None]:
    """Keep so many streams going."""
    body = {
        "model": MODEL,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "hi"}],
    }

    async def go_on(client: aiohttp.ClientSession) -> None:
        while True:
            try:
                async with client.post(f"{proxy.url}/v1/chat/completions", json=body) as answer:
                    await answer.read()
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)

    async with aiohttp.ClientSession() as client:
        tasks = [asyncio.ensure_future(go_on(client)) for _ in range(clients)]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(page: Any, condition: str) -> None:
    """Wait for a condition in the page, whose policy forbids playwright's own way of waiting."""
    async with asyncio.timeout(120.0):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - a page offers no event
            await asyncio.sleep(0.05)


async def fleet(count: int) -> bytes:
    """Return a document with so many backends of long names, one of them down, one hostile."""
    hostile = '<img src=x onerror="alert(1)">'
    made = [make_backend(LONG.format(number) if number else hostile) for number in range(count)]
    take_down(made[2], 99.0)
    view = FakeView({backend: ["m"] for backend in made})
    return orjson.dumps(await portrait.document(lambda: admin.document(view), view))


@pytest.fixture
async def idle(free_port: FreePort) -> AsyncIterator[ProxyProcess]:
    """Run a proxy whose one engine has nothing to do."""
    async with engines(Profile()) as (engine,), proxy_process([engine], free_port) as proxy:
        yield proxy


@pytest.mark.slow
async def test_under_load_numbers_move_and_the_slow_and_the_dead_are_named(
    free_port: FreePort,
) -> None:
    # Thirty times: a machine that is late by 20 ms at each token still leaves more than three.
    quick, slow = Profile(pace=0.004, output_tokens=20), Profile(pace=0.12, output_tokens=10)
    async with (
        engines(quick, quick, slow) as children,
        proxy_process(children, free_port) as proxy,
        browsing(proxy) as browser,
        load(proxy, 9),
    ):
        page = await browser.open()
        await until(page, "document.querySelectorAll('#backends tbody').length === 3")
        await until(page, "document.getElementById('headline').textContent.includes('slow')")
        first = await page.locator("#totals").inner_text()
        assert await page.locator("tbody.warn td.name").inner_text() == "engine-2"
        await until(page, f"document.getElementById('totals').innerText !== {first!r}")
        children[0].kill()
        await until(page, "document.querySelector('tbody.bad td.name button') !== null")
        assert await page.locator("tbody.bad td.name").inner_text() == "engine-0"
        await until(page, "document.querySelectorAll('#failures tbody tr').length > 0")
        await page.locator("#failures td.id button").first.click()
        await until(page, "document.querySelectorAll('#one .lane i').length > 0")


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
async def test_it_follows_the_system_until_somebody_chooses(
    idle: ProxyProcess, scheme: str, bright: bool
) -> None:
    async with browsing(idle) as browser:
        page = await browser.open(scheme=scheme)
        paper = "getComputedStyle(document.body).backgroundColor"
        assert ("245" in await page.evaluate(paper)) is bright
        for _ in range(1 if scheme == "dark" else 2):
            await page.focus("#theme")
            await page.keyboard.press("Enter")
        assert ("245" in await page.evaluate(paper)) is not bright
        await page.reload()
        assert ("245" in await page.evaluate(paper)) is not bright


@pytest.mark.slow
async def test_it_works_by_keyboard_and_tells_its_state(idle: ProxyProcess) -> None:
    async with browsing(idle) as browser:
        page = await browser.open()
        name = page.locator("td.name button")
        await name.focus()
        await page.keyboard.press("Enter")
        assert await name.get_attribute("aria-expanded") == "true"
        assert "closed, opened 0 times" in await page.locator(".details").inner_text()
        head = page.get_by_role("columnheader", name="Tokens/s")
        await head.get_by_role("button").focus()
        await page.keyboard.press("Enter")
        assert await head.get_attribute("aria-sort") == "descending"
        await page.fill("#filter", "nothing like it")
        assert await page.locator("#backends tbody").count() == 0
        await page.click("#pause")
        assert await page.locator("#live").inner_text() == "paused"
        unnamed = "[...document.querySelectorAll('button, input, table')].filter(e => !(e.innerText"
        unnamed += " || e.labels?.length || e.ariaLabel)).length"
        assert await page.evaluate(unnamed) == 0


async def test_the_admin_token_is_the_password_of_the_dashboard_and_its_feed(
    free_port: FreePort, tmp_path: Path
) -> None:
    file = tmp_path / "headrace.yaml"
    async with engines(Profile()) as (engine,):
        file.write_text(f"admin_token: sesame\nbackends: [{{name: e, url: '{engine.url}'}}]\n")
        # Its /status says nothing of backends to who has no token.
        async with running_from(file, free_port, backends=0) as proxy, browsing(proxy) as browser:
            assert await browser.refused("open") == 401
            page = await browser.open(password="sesame")
            # What the feed has brought: the first document may be older than the engine's answer.
            await until(page, "document.getElementById('backends').textContent.includes('ready')")
            await until(page, "document.getElementById('live').textContent === 'live'")
            assert "sesame" not in await page.content()


@pytest.mark.slow
async def test_sixty_four_backends_with_long_names_fit_any_screen(idle: ProxyProcess) -> None:
    async with browsing(idle) as browser:
        page = await browser.open(feed=await fleet(64))
        assert await page.locator("#backends tbody").count() == 64
        first = page.locator("#backends tbody").first
        assert LONG.format(2) in await first.inner_text(), "the one that is down stands first"
        assert "refused" in await first.inner_text()
        assert await page.locator("td.name", has_text="<img src=x").count() == 1
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
