"""`headrace keys`: what is printed is a key and settings that know it."""

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from proxy.cli import app
from proxy.cli.keys import row
from proxy.core.keys import Key, Ring
from proxy.settings.keystore import Entry, Keystore, connect
from proxy.settings.load import load


@pytest.mark.parametrize("name", ["team-a", "a team: of 3"])
def test_a_new_key_and_the_settings_that_know_it(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert app.run(["keys", "create", name]) == 0

    printed = capsys.readouterr()
    secret = printed.out.strip()
    assert secret not in printed.err
    file = tmp_path / "headrace.yaml"
    file.write_text(printed.err.partition("\n\n")[2])
    found = Ring(load(file, {}).settings.keys.listed()).find(secret.encode())
    assert found is not None
    assert found[0].name == name


def test_what_a_key_allows_is_in_the_settings_that_are_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    allowed = {
        "model": "a*",
        "requests-per-minute": "5",
        "tokens-per-minute": "6",
        "concurrency": "7",
        "budget-tokens": "8",
        "budget-money": "2.5",
        "budget-period": "day",
        "priority": "-3",
        "tenant": "research",
        "expires": "2999-01-01",
    }
    flags = [word for flag, value in allowed.items() for word in (f"--{flag}", value)]

    assert app.run(["keys", "create", "team", *flags]) == 0

    file = tmp_path / "headrace.yaml"
    file.write_text(capsys.readouterr().err.partition("\n\n")[2])
    (key,) = load(file, {}).settings.keys.listed()
    (credential,) = key.credentials
    assert msgspec.structs.replace(key, credentials=()) == Key(
        name="team",
        models=("a*",),
        requests_per_minute=5,
        tokens_per_minute=6,
        concurrency=7,
        budget_tokens=8,
        budget_money=2.5,
        budget_period="day",
        priority=-3,
        tenant="research",
    )
    assert credential.expires_at == 32_472_144_000.0


def test_a_day_that_is_none_makes_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["keys", "create", "team", "--expires", "soon"]) == 2

    assert not capsys.readouterr().out


def test_no_two_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    app.run(["keys", "create", "a"])
    app.run(["keys", "create", "a"])

    one, two = capsys.readouterr().out.split()
    assert one != two


def run(capsys: pytest.CaptureFixture[str], path: Path, *words: str, code: int = 0) -> str:
    assert app.run(["keys", *words, "--database", str(path)]) == code
    shown = capsys.readouterr()
    return shown.out if not code else shown.err


def known(path: Path) -> Ring:
    with closing(connect(path)) as connection:
        return Ring(Keystore(connection).keys())


def test_a_key_goes_into_the_database_with_its_limits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.db"
    limits = ["--model", "a*", "--requests-per-minute", "5", "--budget-money", "2.5"]
    words = [*limits, "--expires", "2999-01-01"]

    secret = run(capsys, path, "create", "team", *words, "--tenant", "t").strip()

    found = known(path).find(secret.encode())
    assert found is not None
    key = found[0]
    assert (key.models, key.requests_per_minute, key.budget_money) == (("a*",), 5, 2.5)
    assert (key.tenant, found[1].expires_at) == ("t", 32_472_144_000.0)
    shown = run(capsys, path, "list").splitlines()[1]
    assert shown.split()[:2] == ["team", secret[:7] + "..."]
    assert "until 2999-01-01" in shown
    assert "models a*; requests/min 5; money/month 2.5" in shown


def test_a_key_is_replaced_and_revoked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    old = run(capsys, path, "create", "team").strip().encode()

    new = run(capsys, path, "rotate", "team", "--grace", "1h").strip().encode()
    assert known(path).find(old) is not None
    assert known(path).find(new) is not None

    run(capsys, path, "revoke", "team")
    assert known(path).find(new) is None
    assert "revoked" in run(capsys, path, "list")


@pytest.mark.parametrize("words", [("list",), ("revoke", "team"), ("rotate", "team")])
def test_only_a_new_key_makes_the_database(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mistyped.db"

    assert f"There is no {path} yet" in run(capsys, path, *words, code=1)
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", "team"), 1, "already"),
        (("revoke", "other"), 1, "no key 'other' in force"),
        (("rotate", "other"), 1, "no key 'other' in force"),
        (("rotate", "team", "--grace", "long"), 2, "--grace"),
        (("create", "x", "--expires", "soon"), 2, "--expires"),
        (("create", "x", "--expires", "2020-01-01"), 2, "has passed"),
        (("create", "x", "--budget-period", "year"), 2, "day or month"),
        (("create", ""), 2, "1 to 256 printable"),
        (("create", "a\nb"), 2, "1 to 256 printable"),
    ],
)
def test_what_cannot_be_done_is_told(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    path = tmp_path / "x.db"
    run(capsys, path, "create", "team")

    assert said in run(capsys, path, *words, code=code)


def test_a_list_needs_a_database(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert app.run(["keys", "list"]) == 2
    assert "set keys.database" in capsys.readouterr().err
    path = tmp_path / "no" / "x.db"
    assert "cannot be used" in run(capsys, path, "create", "team", code=1)


def test_the_settings_name_the_database(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text("keys: {database: x.db}\n")

    assert app.run(["keys", "create", "team", "-c", str(file)]) == 0

    assert known(tmp_path / "x.db").find(capsys.readouterr().out.strip().encode()) is not None


def test_what_a_list_says_of_a_key() -> None:
    entry = Entry(key=Key(name="a", tenant="t"), shown=("hr-x", "hr-y"), created=0.0)

    assert row(entry, 1.0) == ["a", "hr-x..., hr-y...", "in force", "t", "1970-01-01", "all"]
    over = msgspec.structs.replace(entry, expires=1.0)
    assert row(over, 1.0)[2] == "expired"
