"""The page about paths names every path there is."""

import re

from proxy.dialects.openai_api import OPERATIONS
from tests.meta import tree

PAGE = tree.text("docs/reference/api.md")


def test_every_path_stands_on_the_page_and_no_other() -> None:
    shown = {
        path
        for line in PAGE.splitlines()
        if line.startswith("| `/")
        for path in re.findall(r"`(/[\w/]+)`", line.split("|")[1])
    }

    posted = shown - {"/v1/models", "/api/tags", "/api/ps", "/api/version"}
    assert posted == set(OPERATIONS)


def test_the_page_says_which_are_asked_in_another_way() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `/")]
    refused = {
        path for row in rows if row[2].strip() == "404" for path in re.findall(r"`(/.*?)`", row[1])
    }

    assert not [path for path in refused if OPERATIONS[path].translates]
