"""Names are a contract: well formed, and each once."""

import pytest

from proxy.telemetry.families import FAMILIES, Family


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
