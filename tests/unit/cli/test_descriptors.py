"""Closed standard descriptors are filled, and nothing else takes their numbers."""

import subprocess
import sys

import pytest

TELL = """
import os, sys
from proxy.cli import descriptors
descriptors.fill()
null = os.stat(os.devnull).st_rdev
found = [number for number in range(3) if os.fstat(number).st_rdev == null]
assert all((sys.stdin, sys.stdout, sys.stderr))
assert [s.fileno() for s in (sys.stdin, sys.stdout, sys.stderr)] == [0, 1, 2]
assert all(os.get_inheritable(number) for number in range(3))
os.write(9, repr(found).encode())
"""


@pytest.mark.parametrize("closed", [[], [0], [1], [2], [0, 1], [0, 1, 2]])
def test_each_closed_one_becomes_the_null_device(closed: list[int]) -> None:
    redirects = " ".join(f"{number}>&-" for number in closed)
    shell = f'{{ "$@" {redirects}; }} 9>&1 0</dev/zero 1>/dev/zero 2>/dev/zero'
    told = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, "-c", TELL],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert told.stdout.decode() == repr(closed)
