"""The documentation becomes a site without a warning, whole, and needs nothing from outside."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"?(https?:)?//")


def test_the_site_builds_and_stands_alone(tmp_path: Path) -> None:
    config, site = ROOT / "docs" / "site" / "mkdocs.yml", tmp_path / "site"
    words = ["build", "--strict", "--quiet", "-f", str(config), "-d", str(site)]

    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stdout + built.stderr
    pages = sorted(site.rglob("*.html"))
    assert not [page.name for page in pages if LOADED.search(page.read_text())]
    sources = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    expected = {page.with_suffix(".html") for page in sources if page.parts[0] != "changes.d"}
    made = {page.relative_to(site) for page in pages}
    assert {page for page in expected if page.name != "README.html"} <= made
    index = (site / "index.html").read_text()
    assert 'href="how-to/discover-backends.html"' in index
    assert not list(site.glob("site*/hooks.py"))
