"""The image, which is never built here: its Dockerfile, and headrace under its conditions."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.fixtures.deployed import DEPLOY, ROOT, program, run, settings
from tests.fixtures.process import environment

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"


def instructions(word: str) -> list[str]:
    """Return the arguments of an instruction, wherever it stands, continued lines joined."""
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]


def test_hadolint_finds_nothing() -> None:
    ran = run(program("hadolint", "the Dockerfile follows hadolint's rules"), DOCKERFILE)

    assert ran.returncode == 0, ran.stdout


def test_everything_that_is_copied_exists_and_is_let_in() -> None:
    let_in = {
        line.removeprefix("!").removesuffix("/*.txt")
        for line in (DOCKERFILE.with_suffix(".dockerignore")).read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert copied == let_in
    assert not [name for name in copied if not (ROOT / name).exists()]


def test_it_has_the_clients_of_the_stores_that_replicas_share() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {re.split(r"[^a-z]", one)[0] for one in extras["redis"] + extras["postgres"]}

    installed = {word for line in instructions("RUN") for word in line.split()}

    assert wanted == {"asyncpg", "redis"}
    assert wanted <= installed


def test_it_runs_as_a_user_by_number_with_nothing_to_write() -> None:
    (user,) = instructions("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not instructions("VOLUME")


def test_the_settings_inside_take_engines_from_the_environment(tmp_path: Path) -> None:
    text = (DEPLOY / "docker" / "headrace.yaml").read_text()

    inside = settings(text, tmp_path, {"HEADRACE_BACKENDS": "http://a:8000,http://b:8000"})

    assert [backend.url for backend in inside.backends] == ["http://a:8000", "http://b:8000"]
    assert (str(inside.listen), str(inside.admin)) == ("0.0.0.0:8900", "0.0.0.0:8901")
    assert {str(a.port) for a in (inside.listen, inside.admin)} == set(
        instructions("EXPOSE")[0].split()
    )


# As a container runtime does it: own mounts and process ids, every file system read-only, another
# user without rights but that of reading (the interpreter may lie in somebody's home).
CONFINED = """
mount --make-rprivate /
for point in $(awk '{print $2}' /proc/mounts | grep -vE '^/(proc|sys|dev)'); do
  mount -o remount,ro,bind "$point" 2>/dev/null
done
mount -t proc proc /proc
if touch "$0" 2>/dev/null; then echo "still writable: $0" >&2; exit 99; fi
exec setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs \
  --bounding-set=-all,+dac_read_search --inh-caps=-all,+dac_read_search \
  --ambient-caps=-all,+dac_read_search "$@"
"""


def confined(*words: str | Path, env: dict[str, str]) -> subprocess.Popen[str]:
    """Start a program as a container runtime would, or skip."""
    wanted = "headrace runs as process 1, without rights, on a read-only file system"
    unshare, setpriv = program("unshare", wanted), program("setpriv", wanted)
    if os.geteuid() != 0 or run(unshare, "-mpf", setpriv, "--version").returncode != 0:
        pytest.skip(f"may not make namespaces here: not checked that {wanted}")
    return subprocess.Popen(
        [unshare, "-mpf", "sh", "-c", CONFINED, __file__, *map(str, words)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def healthcheck(port: int) -> list[str]:
    """Return the words of the image's health check, asking at another port."""
    (line,) = instructions("HEALTHCHECK")
    words: list[str] = re.findall(r'"((?:[^"\\]|\\.)*)"', line.partition("CMD")[2])
    assert "8901" in words[-1]
    return [sys.executable, *words[1:-1], words[-1].replace("8901", str(port))]


@pytest.fixture
def readable() -> Iterator[Path]:
    """Return a folder that any user may read; pytest's own are for their owner."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


async def test_it_serves_and_ends_as_the_first_process_of_a_read_only_container(
    readable: Path, free_port: Callable[[], int]
) -> None:
    port, admin = free_port(), free_port()
    config = readable / "headrace.yaml"
    config.write_text("backends: [{url: 'http://127.0.0.1:1'}]\ndrain: {delay: 0s}\n")
    listen = ("--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}")
    env = {**environment(), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
    assert run(*healthcheck(admin)).returncode != 0, "nothing runs yet"

    outside = confined(sys.executable, "-m", "proxy", "serve", "-c", config, *listen, env=env)
    try:
        await answering(f"http://127.0.0.1:{admin}/healthz", outside)
        assert run(*healthcheck(admin)).returncode == 0
        (first,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        assert "Uid:\t65532\t65532\t65532\t65532" in Path(f"/proc/{first}/status").read_text()
        os.kill(int(first), signal.SIGTERM)
        _, told = await asyncio.to_thread(outside.communicate, timeout=20)
    finally:
        outside.kill()
        outside.communicate()
    assert outside.returncode == 0, told
    assert '"event":"stopped"' in told


async def answering(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until an address answers, or fail with what the process says."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as client:
        while True:
            assert process.poll() is None, process.communicate()[1]
            try:
                async with client.get(url) as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
