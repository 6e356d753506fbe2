"""The reference page of metrics is what the code says."""

from pathlib import Path

from proxy.telemetry.metrics_page import markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_reference_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "write it anew: python -c 'from proxy.telemetry.metrics_page import markdown;"
        ' print(markdown(), end="")\' > docs/reference/metrics.md'
    )
