"""Every module imports alone, with warnings as errors, whatever was imported before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta import tree

# One interpreter loads the libraries once and forks per module: each child imports a single module
# of ours. It is compiled afresh, else a cached file would hide a SyntaxWarning; but only once, by
# the first child that needs it, wherever compiled files are not to be written: a fifth of the time.
PROGRAM = """
import importlib, os, sys, warnings

for library in sys.argv[1].split():
    importlib.import_module(library)

failed = 0
for name in sys.stdin.read().split():
    child = os.fork()
    if child == 0:
        warnings.simplefilter("error")
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
sys.exit(min(failed, 100))
"""
LIBRARIES = (
    "aiohttp.web hdrh.histogram httptools msgspec numpy opentelemetry.sdk.trace orjson"
    " prometheus_client rich structlog typer uvloop yaml"
)


@pytest.mark.timeout(600)  # five hundred modules: half a minute, and more beside other tests
def test_every_module_imports_alone(tmp_path: Path) -> None:
    names = [
        tree.module_name(name)
        for name in tree.python("proxy", "benchmarks")
        if not name.endswith("__main__.py")
    ]

    ran = subprocess.run(
        [sys.executable, "-X", f"pycache_prefix={tmp_path}", "-c", PROGRAM, LIBRARIES],
        input="\n".join(names),
        cwd=tree.ROOT,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
