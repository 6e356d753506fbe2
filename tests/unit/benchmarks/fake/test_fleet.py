"""What several engines print about themselves."""

from benchmarks.fake.fleet import table
from benchmarks.fake.launch import Ready
from benchmarks.fake.profile import Profile


def test_every_address_stands_whole_in_one_line() -> None:
    names = ("sim-1", "sim-2")
    ready = [
        Ready(name=name, url=f"http://127.0.0.1:2000{n}", admin_url="http://127.0.0.1:9", pid=n)
        for n, name in enumerate(names)
    ]
    lines = table([Profile(models=("m" * 90,)) for _ in names], ready).splitlines()

    assert "2 simulated engines" in lines[0]
    for n, name in enumerate(names):
        (line,) = [line for line in lines if name in line]
        assert f"http://127.0.0.1:2000{n}" in line
        assert "http://127.0.0.1:9/fake/" in line
        assert "m" * 90 in line
