"""What the site's build adds: the navigation, and an end to links that leave the documentation."""

import re
from pathlib import Path
from typing import Any, Final

INDEX: Final = "README.md"

_SECTION: Final = re.compile(r"(?m)^## (.+)$")
_ENTRY: Final = re.compile(r"\[([^\]]+)\]\(([\w/-]+\.md)\)")
_OUTSIDE: Final = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:deploy|tests|proxy|benchmarks)/[^)]*\)")


def on_config(config: Any) -> Any:  # noqa: ANN401  the builder's own type, known to it alone
    """Put the navigation in, as the index has it."""
    config.nav = navigation(Path(config.docs_dir, INDEX).read_text(encoding="utf-8"))
    return config


def on_page_markdown(markdown: str, **_: object) -> str:
    """Leave the words of a link to another file of the project: that one is not on the site."""
    return _OUTSIDE.sub(r"\1", markdown)


def navigation(index: str) -> list[dict[str, Any]]:
    """Return sections with their pages, in the order of the index."""
    _, *parts = _SECTION.split(index)
    sections = zip(parts[::2], parts[1::2], strict=True)
    found = [{title: _entries(text)} for title, text in sections]
    return [{"Overview": INDEX}, *found]


def _entries(text: str) -> list[dict[str, str]]:
    seen: dict[str, str] = {}
    for title, page in _ENTRY.findall(text):
        seen.setdefault(page, title)
    return [{title: page} for page, title in seen.items()]
