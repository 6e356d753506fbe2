"""The files of the dashboard: all there, none fetched from elsewhere, and no script in the page."""

import re

import pytest

from proxy.edge.dashboard import FILES, FOLDER, HEADERS

TEXTS = {name: (FOLDER / name).read_text() for name in FILES}


def test_every_file_there_is_served_and_no_other() -> None:
    assert {entry.name for entry in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    addresses = set(re.findall(r"https?://[^\s\"')]+", TEXTS[name]))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = TEXTS["dashboard.html"]
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)
    assert "innerHTML" not in "".join(TEXTS.values())


def test_the_policy_lets_nothing_else_run() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_modules_import_only_their_neighbours(name: str) -> None:
    imported = re.findall(r'from "\./([^"]+)"', TEXTS[name])
    assert set(imported) <= set(FILES)
    assert TEXTS[name].startswith("// "), "the first line says what it is"
