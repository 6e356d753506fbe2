"""The summary of `headrace check`."""

from pathlib import Path

from proxy.cli.check import doubts, summary
from proxy.settings.keys import Keys
from proxy.settings.schema import BackendSettings, Models, Settings


def backends(count: int) -> tuple[BackendSettings, ...]:
    return tuple(
        BackendSettings(url=f"http://a:{port}", name=f"b{port}") for port in range(1, count + 1)
    )


def test_no_backend_means_looking_for_some() -> None:
    assert summary(Settings()) == (
        "OK: no backends (engines on this machine are looked for);"
        " clients on 127.0.0.1:8900, admin on 127.0.0.1:8901"
    )


def test_backends_and_aliases_are_counted_and_the_first_five_named() -> None:
    many = Settings(backends=backends(7), models=Models(aliases={"a": ("m",), "b": ("m",)}))
    one = Settings(backends=backends(1), models=Models(aliases={"a": ("m",)}))

    assert "7 backends (b1, b2, b3, b4, b5 and 2 more), 2 aliases;" in summary(many)
    assert "1 backend (b1), 1 alias;" in summary(one)


def kept_in(file: Path) -> Settings:
    return Settings(keys=Keys(database=str(file)))


def test_a_database_that_can_be_made_or_written_is_no_doubt(tmp_path: Path) -> None:
    (tmp_path / "there.db").touch()

    assert not [*doubts(Settings())]
    assert not [*doubts(kept_in(tmp_path / "there.db"))]
    assert not [*doubts(kept_in(tmp_path / "new.db"))]


def test_a_database_that_cannot_be_used_here_is_doubted(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    file.touch()

    (nowhere,) = doubts(kept_in(tmp_path / "missing" / "keys.db"))
    (folder,) = doubts(kept_in(tmp_path))
    (locked,) = doubts(kept_in(file), lambda one, _: one != file)
    (around,) = doubts(kept_in(file), lambda one, _: one == file)

    assert nowhere.startswith(f"keys.database: there is no folder {tmp_path / 'missing'} here;")
    assert f"{tmp_path} is a folder: name a file;" in folder
    assert f"{file} may not be written by this user;" in locked
    assert f"{tmp_path} may not be written by this user;" in around
