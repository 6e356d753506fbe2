"""Names are a contract: well formed, documented, and the page is what the code says."""

from pathlib import Path

import pytest

from proxy.telemetry.families import FAMILIES, Family, markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_reference_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "write it anew: python -c 'from proxy.telemetry.families import markdown;"
        ' print(markdown(), end="")\' > docs/reference/metrics.md'
    )


def test_names_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_follows_the_conventions(family: Family) -> None:
    assert family.name.startswith("headrace_")
    assert family.name.endswith("_total") == (family.type == "counter")
    assert bool(family.buckets) == (family.type == "histogram")
    assert list(family.buckets) == sorted(set(family.buckets))
    assert family.help.endswith(".")
    assert "|" not in family.help  # it stands in a table
    assert len(family.buckets) <= 14  # each is a line for each pair of backend and model
