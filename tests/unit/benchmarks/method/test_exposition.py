"""Sums over what a proxy tells of itself."""

import pytest

from benchmarks.method.exposition import total

TEXT = """\
# HELP retries_total Attempts.
retries_total{reason="connect"} 3
retries_total{reason="status"} 2.5
state{backend="a",state="open"} 1
state{backend="a",state="closed"} 0
plain 7e1
"""


@pytest.mark.parametrize(
    ("metric", "labels", "value"),
    [
        ("retries_total", (), 5.5),
        ("retries_total", ('reason="status"',), 2.5),
        ("state", ('state="open"',), 1.0),
        ("plain", (), 70.0),
        ("absent", (), None),
        ("retries", (), None),
    ],
)
def test_total(metric: str, labels: tuple[str, ...], value: float | None) -> None:
    assert total(TEXT, metric, *labels) == value
