"""The page about engines says what the records say."""

import re

from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import ENGINES
from tests.meta import tree

PAGE = tree.text("docs/reference/engines.md")


def test_the_page_names_every_kind() -> None:
    assert [name for name in ENGINES if f"\n| `{name}` |" not in PAGE] == []


def test_the_table_of_paths_is_the_allow_list() -> None:
    header = next(line for line in PAGE.splitlines() if line.startswith("| path |"))
    kinds = [cell.strip() for cell in header.strip("| ").split("|")][1:]
    shown: dict[str, set[str]] = {kind: set() for kind in kinds}
    for row in re.findall(r"(?m)^\| (`/[^|]*`) \|(.*)\|$", PAGE):
        for kind, cell in zip(kinds, row[1].split("|"), strict=True):
            if cell.strip() == "yes":
                shown[kind].update(re.findall(r"`(/[^`]+)`", row[0]))

    assert shown == {name: set(ENGINES[name].operations) for name in kinds}
    assert set(kinds) == set(ENGINES)
    assert set().union(*shown.values()) == set(OPERATIONS)


def test_the_ports_searched_are_those_of_the_records() -> None:
    ports = sorted({port for record in ENGINES.values() for port in record.ports})
    listed = ", ".join(map(str, ports[:-1])) + f" and {ports[-1]}"

    assert listed in PAGE.replace("\n", " ")
