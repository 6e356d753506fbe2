"""The Grafana dashboards, as far as files tell: known series, known labels, a tidy grid."""

import itertools
import json

import pytest

from proxy.telemetry.families import FAMILIES
from tests.fixtures.deployed import Document, dashboards, expressions, rules, selectors, series

each_dashboard = pytest.mark.parametrize("name", dashboards())


@each_dashboard
def test_expressions_name_series_and_labels_there_are(name: str) -> None:
    known = series()
    wrong = [
        (title, metric, sorted(labels))
        for title, expression in expressions(dashboards()[name])
        for metric, labels in selectors(expression)
        if metric not in known or not labels <= known[metric]
    ]

    assert not wrong


@each_dashboard
def test_panels_have_ids_of_their_own_and_do_not_overlap(name: str) -> None:
    panels = dashboards()[name]["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


@each_dashboard
def test_it_can_be_imported_anywhere(name: str) -> None:
    dashboard = dashboards()[name]
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    text = json.dumps(dashboard)

    assert variables["datasource"]["type"] == "datasource"
    assert {source["uid"] for source in datasources(dashboard)} == {"${datasource}"}
    assert not [one for one in variables if f"${one}" not in text and f"${{{one}}}" not in text]
    assert '"id": null' not in text


def datasources(node: object) -> list[Document]:
    """Return every data source that is named anywhere below."""
    if isinstance(node, list):
        return [found for one in node for found in datasources(one)]
    if not isinstance(node, dict):
        return []
    here = [node["datasource"]] if isinstance(node.get("datasource"), dict) else []
    return here + [found for one in node.values() for found in datasources(one)]


def test_every_metric_is_shown_or_watched() -> None:
    """What nobody looks at can as well be left out."""
    shown = [text for one in dashboards().values() for _, text in expressions(one)]
    everything = " ".join([*shown, *(rule["expr"] for rule in rules())])

    assert not [family.name for family in FAMILIES if family.name not in everything]
