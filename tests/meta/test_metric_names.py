"""Whatever names a metric names one there is: pages, rules, dashboards, benchmarks."""

import re

from proxy.telemetry.families import FAMILIES
from tests.meta import tree

NAME = re.compile(r"(?<![\w/.:-])headrace_[a-z_]+")
TABLES = frozenset({"headrace_usage", "headrace_usage_writers"})  # of a ledger in PostgreSQL
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def named() -> dict[str, str]:
    """Return every name of a metric, with a file that has it."""
    return {
        match.group(): name
        for name in tree.files()
        if name.startswith(("docs/", "deploy/", "README"))
        for match in NAME.finditer(tree.text(name))
    }


def test_pages_rules_and_dashboards_name_metrics_there_are() -> None:
    known = {family.name for family in FAMILIES} | TABLES
    histograms = {family.name for family in FAMILIES if family.type == "histogram"}
    strays = {
        name: where
        for name, where in named().items()
        if name not in known and SUFFIX.sub("", name) not in histograms
    }

    assert named()
    assert not strays


def test_every_metric_is_explained() -> None:
    assert {family.name for family in FAMILIES} <= named().keys()
