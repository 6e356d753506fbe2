"""`headrace usage`: sums as a table and as CSV, and what is said where there are none."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.cli import app
from proxy.core.usage import Used
from proxy.settings.keystore import connect
from proxy.telemetry.ledger import Ledger

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    rows = [
        Used(day=TODAY, key="a", tenant="t", model="m", requests=2, tokens_in=3, money=0.25),
        Used(day="2020-01-01", key="b", tenant="t", model="m", requests=1, tokens_out=4),
    ]
    with closing(connect(path)) as connection:
        Ledger(connection).add(rows)
    return path


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert app.run(["usage", *words]) == code
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_this_month_is_shown(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "--database", str(database))

    assert "tokens in" in shown
    assert shown.splitlines()[1].split() == ["a", "m", "2", "3", "0", "0.2500", "0"]
    assert "b" not in shown.splitlines()[-1].split()


def test_csv_by_tenant_and_day(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--by", "tenant, day", "--since", "2020-01-01", "--until", "2020-12-31", "--csv")

    shown = printed(capsys, "--database", str(database), *words)

    assert shown.splitlines() == [
        "tenant,day,requests,tokens_in,tokens_out,money,estimated",
        "t,2020-01-01,1,0,4,0.0,0",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--since", "2019-01-01", "--until", "2019-02-01"), 0, "Nothing was used"),
        (("--since", "soon"), 2, "is no day"),
        (("--by", "hour"), 2, "day, key, tenant, model"),
    ],
)
def test_other_words(
    database: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert said in printed(capsys, "--database", str(database), *words, code=code)


def test_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "set keys.database" in printed(capsys, code=2)
    none = str(tmp_path / "none.db")
    assert "no proxy has written it" in printed(capsys, "--database", none, code=1)
    (tmp_path / "other").write_text("something else " * 100)
    other = str(tmp_path / "other")
    assert "cannot be read" in printed(capsys, "--database", other, code=1)
