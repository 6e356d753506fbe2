"""The limit of open files is raised to what the system grants, and never lowered."""

import resource
from collections.abc import Iterator

import pytest

from proxy.boot.files import allow_open_files


@pytest.fixture
def hard() -> Iterator[int]:
    """Return the hard limit; both limits are put back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_low_limit_is_raised(hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))

    told = allow_open_files()

    assert told == soft_limit()
    assert told in {hard, 65_536, 10_240}
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard


def test_a_limit_that_is_high_already_stays(hard: int) -> None:
    allow_open_files()
    before = soft_limit()

    assert allow_open_files() == before == soft_limit()


def test_a_system_that_refuses_is_obeyed(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))

    def refused(_what: int, _limits: tuple[int, int]) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refused)
        assert allow_open_files() == 512
