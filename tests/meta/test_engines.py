"""The page about engines says what the records say."""

import re

from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import ENGINES
from tests.meta import tree

PAGE = tree.text("docs/reference/engines.md")


def test_the_page_names_every_kind() -> None:
    assert [name for name in ENGINES if f"\n| `{name}` |" not in PAGE] == []


def test_the_table_of_paths_holds_the_allow_list() -> None:
    header = next(line for line in PAGE.splitlines() if line.startswith("| path |"))
    kinds = [cell.strip() for cell in header.strip("| ").split("|")][1:]
    shown: dict[str, set[str]] = {kind: set() for kind in kinds}
    for path, cells in re.findall(r"(?m)^\| `(/[^|`]*)` \|(.*)\|$", PAGE):
        for kind, cell in zip(kinds, cells.split("|"), strict=True):
            if cell.strip() not in {"", "t", "e"}:  # what is translated is no path of its own
                shown[kind].add(path)

    assert set(kinds) == set(ENGINES)
    for name in kinds:
        assert ENGINES[name].operations == shown[name] & set(OPERATIONS)


def test_every_file_of_a_profile_is_named_after_its_kind() -> None:
    files = [name for name in tree.files() if name.startswith("proxy/dialects/profiles/")]

    assert sorted(files) == sorted(f"proxy/dialects/profiles/{name}.yaml" for name in ENGINES)
