"""The page in a real browser: no error, both themes, keyboard, and the record taken out of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.page.document import as_html
from benchmarks.report.record_file import load
from tests.fixtures.bench import records

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install playwright"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MANY = ("headrace", "nginx", "litellm")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: chromium)"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of playwright's own
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "run.html"
    path.write_text(as_html(records.overhead(MANY)))
    return path


def opened(browser: Any, path: Path, scheme: str) -> tuple[Any, list[str]]:
    """Return the page and what it complained about, requests that are not the file included."""
    told: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on(
        "request",
        lambda request: (
            told.append(request.url) if not request.url.startswith(("file:", "data:")) else None
        ),
    )
    page.goto(path.as_uri())
    return page, told


def paper(page: Any) -> int:
    """Return how bright the background is, 0 to 765."""
    words = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in words[4:-1].split(","))


@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
def test_it_opens_without_an_error_in_the_theme_of_the_system(
    browser: Any, page_file: Path, scheme: str, bright: bool
) -> None:
    page, told = opened(browser, page_file, scheme)

    assert (paper(page) > 600) is bright
    assert page.locator("figure svg").count() == 14
    assert told == []
    page.close()


def test_no_text_of_a_plot_leaves_its_picture(browser: Any, page_file: Path) -> None:
    page, _ = opened(browser, page_file, "light")

    outside = page.evaluate(
        """() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter(one => {
                const own = one.getBoundingClientRect();
                return own.left < box.left - 1 || own.right > box.right + 1
                    || own.top < box.top - 1 || own.bottom > box.bottom + 1;
            }).map(one => svg.getAttribute("aria-labelledby") + ": " + one.textContent);
        })"""
    )
    assert outside == []
    page.close()


def test_the_theme_is_switched_by_keyboard(browser: Any, page_file: Path) -> None:
    page, told = opened(browser, page_file, "light")

    page.focus("#theme")
    page.keyboard.press("Enter")

    assert paper(page) < 200
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    assert told == []
    page.close()


def test_the_record_comes_out_of_the_page(browser: Any, page_file: Path, tmp_path: Path) -> None:
    page, _ = opened(browser, page_file, "light")

    with page.expect_download() as coming:
        page.click("a.get")
    coming.value.save_as(tmp_path / coming.value.suggested_filename)

    assert load(tmp_path / coming.value.suggested_filename) == records.overhead(MANY)
    page.close()


def test_on_a_phone_nothing_makes_the_page_itself_scroll_sideways(
    browser: Any, page_file: Path
) -> None:
    page, _ = opened(browser, page_file, "light")

    page.set_viewport_size({"width": 390, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
