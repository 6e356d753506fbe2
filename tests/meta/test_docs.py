"""The documentation holds together: links, titles, index, change fragments."""

import re
from pathlib import PurePosixPath

from tests.meta import tree

PAGES = tuple(name for name in tree.files() if name.endswith(".md"))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"(?ms)^```.*?^```")
HEADING = re.compile(r"(?m)^#+ +(.+?) *$")
FRAGMENT = re.compile(r"(\d+|\+[\w-]+)\.(added|changed|fixed|removed)\.md")


def prose(name: str) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", tree.text(name))


def anchors(name: str) -> set[str]:
    """Return the anchors of a page's headings, as forges derive them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(name))
    }


def broken(name: str) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    found = []
    for target in LINK.findall(prose(name)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (tree.ROOT / PurePosixPath(name).parent / path).resolve() if path else None
        page = str(there.relative_to(tree.ROOT)) if there is not None else name
        if there is not None and not there.exists():
            found.append(f"{name}: {target}")
        elif anchor and page.endswith(".md") and anchor not in anchors(page):
            found.append(f"{name}: {target} (no such heading)")
    return found


def test_every_relative_link_leads_somewhere() -> None:
    assert not [link for name in PAGES for link in broken(name)]


def test_every_page_begins_with_its_title() -> None:
    fragments = "docs/changes.d/"

    assert not [
        name
        for name in PAGES
        if not tree.text(name).startswith("# ") and not name.startswith(fragments)
    ]


def test_every_page_can_be_found_from_the_index() -> None:
    index = tree.text("docs/README.md")

    assert not [
        name
        for name in PAGES
        if name.startswith("docs/")
        and not name.startswith("docs/changes.d/")
        and name != "docs/README.md"
        and f"({name.removeprefix('docs/')})" not in index
    ]


def test_change_fragments_have_names_the_changelog_knows() -> None:
    strays = [
        name
        for name in tree.files()
        if name.startswith("docs/changes.d/")
        and not FRAGMENT.fullmatch(PurePosixPath(name).name)
        and PurePosixPath(name).name not in {"README.md", ".gitignore"}
    ]

    assert not strays
