"""`headrace check --diff`: what a reload would change, seen from outside the running proxy."""

from pathlib import Path

import orjson
import pytest

from proxy.cli import diff
from proxy.cli.diff import DIFFERENT, Refused, compared, decoded, own_variables, report
from proxy.cli.status import Unanswered
from proxy.settings.address import Address
from proxy.settings.changes import Change
from proxy.settings.load import Flags, Loaded, load
from proxy.settings.rows import listed

ADMIN = Address(host="127.0.0.1", port=1)
ONE = "backends: [{url: 'http://a:1', name: a}]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headrace.yaml"


def loaded(file: Path, text: str, flags: Flags | None = None, **env: str) -> Loaded:
    file.write_text(text)
    return load(file, env, flags)


def running(held: Loaded) -> list[diff.Row]:
    body = orjson.dumps({"settings": listed(held.settings, held.origins), "valid": True})
    return decoded(body, ADMIN)


def test_the_same_file_changes_nothing(file: Path) -> None:
    held = running(loaded(file, ONE))

    assert compared(held, loaded(file, ONE)) == []


def test_each_change_is_told(file: Path) -> None:
    held = running(loaded(file, ONE))
    new = ONE + "limits: {queue: 5}\nlisten: 127.0.0.1:7\n"

    changes = compared(held, loaded(file, new.replace("a:1", "a:2")))

    assert report(changes).splitlines()[:5] == [
        "A reload would change:",
        '  backends[a].url: "http://a:1" -> "http://a:2"',
        "  limits.queue: 1024 -> 5",
        "Only a restart would change:",
        '  listen: "127.0.0.1:8900" -> "127.0.0.1:7" (needs a restart)',
    ]


def test_what_came_from_flags_and_variables_stays(file: Path) -> None:
    flags = Flags(listen="127.0.0.1:7", backends=("http://b:1",))
    held = running(loaded(file, ONE, flags, HEADRACE_LIMITS_QUEUE="9"))

    assert compared(held, loaded(file, ONE)) == []
    (change,) = compared(held, loaded(file, ONE + "limits: {queue: 5}\nlog: {level: debug}\n"))
    assert change == Change(path="log.level", old="info", new="debug")


def test_engines_that_were_found_stay(file: Path) -> None:
    held = running(loaded(file, ONE))
    found = [
        diff.Row(path=row.path, value=row.value, origin="default")
        if row.path.startswith("backends")
        else row
        for row in held
    ]

    assert compared(found, loaded(file, "")) == []
    with pytest.raises(Refused, match="no backends"):
        compared(held, loaded(file, ""))


def test_a_key_is_not_compared(file: Path) -> None:
    held = running(loaded(file, ONE.replace("name: a", "name: a, api_key: sk-1")))

    assert compared(held, loaded(file, ONE.replace("name: a", "name: a, api_key: sk-2"))) == []
    assert "cannot be seen" in report([])


def test_only_variables_that_set_keys_are_left_out() -> None:
    env = {"HEADRACE_LIMITS_QUEUE": "5", "HEADRACE_BACKENDS": "x", "HEADRACE_CONFIG": "f", "K": "v"}

    assert own_variables(env) == {"HEADRACE_CONFIG": "f", "K": "v"}


def test_a_stranger_is_told() -> None:
    with pytest.raises(Unanswered, match="not as a headrace"):
        decoded(b"{}", ADMIN)


def test_the_exit_code_says_what_came_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = loaded(file, ONE)
    body = orjson.dumps({"settings": listed(held.settings, held.origins)})

    async def told(_admin: Address, path: str) -> bytes:
        assert path == "/config"
        return body

    async def silent(_admin: Address, _path: str) -> bytes:
        raise Unanswered("Nothing listens there.")

    monkeypatch.setattr(diff, "fetch", told)
    assert diff.show(held, ADMIN) == diff.SAME == 0
    assert "nothing" in capsys.readouterr().out
    assert diff.show(loaded(file, ONE + "workers: 1\nlog: {access: false}"), ADMIN) == DIFFERENT
    assert diff.show(loaded(file, ""), ADMIN) == diff.TROUBLE == 2
    monkeypatch.setattr(diff, "fetch", silent)
    assert diff.show(held, ADMIN) == diff.TROUBLE
    assert "Nothing listens" in capsys.readouterr().err
