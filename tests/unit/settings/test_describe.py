"""The reference page and the example file are those the schema would write today."""

from pathlib import Path

from proxy.settings import describe, fields
from proxy.settings.load import load
from proxy.settings.schema import Settings

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
STALE = "stale: run `python -m proxy.settings.describe docs/reference`"


def test_the_committed_page_is_not_stale() -> None:
    assert (REFERENCE / describe.PAGE).read_text() == describe.page(), STALE


def test_the_committed_example_is_not_stale() -> None:
    assert (REFERENCE / describe.EXAMPLE).read_text() == describe.example(), STALE


def test_the_page_has_every_key_once() -> None:
    page = describe.page()

    for leaf in fields.leaves():
        assert page.count(f"| `{describe.key(leaf)}` |") == 1, leaf.path


def test_a_row_has_range_default_and_meaning() -> None:
    assert (
        "| `limits.body` | 1KiB to 2GiB | `64MiB` | Largest request body; a larger one is answered"
        " 413. |" in describe.page()
    )
    assert (
        "| `backends[].url` | http://host:port, https://host:port, either with a path, or"
        " unix:///path | required |" in describe.page()
    )


def test_the_example_loads_and_differs_from_the_defaults_only_where_it_says_so(
    tmp_path: Path,
) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text(describe.example())

    settings = load(file, {}).settings

    defaults = Settings()
    for name in ("listen", "admin", "workers", "balance", "timeouts", "limits", "drain", "log"):
        assert getattr(settings, name) == getattr(defaults, name)
    assert [backend.name for backend in settings.backends] == ["gpu-a", "llama.sock"]
    assert set(settings.models.aliases) == {"gpt-4o", "small"}


def test_the_example_has_every_key() -> None:
    example = describe.example()

    for leaf in fields.leaves():
        name = describe.key(leaf).rpartition(".")[2]
        assert f"{name}:" in example, leaf.path


def test_both_files_are_written(tmp_path: Path) -> None:
    describe.write(tmp_path)

    assert (tmp_path / "settings.md").read_text() == describe.page()
    assert (tmp_path / "headrace.yaml").read_text() == describe.example()
