"""The page about engines is the one the profiles would write today."""

from pathlib import Path

from proxy.dialects import describe
from proxy.dialects.registry import ENGINES

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
COMMITTED = (REFERENCE / describe.PAGE).read_text()


def rows(table: str) -> list[list[str]]:
    """Return the cells of a marked table, its head first."""
    page = describe.updated(f"<!-- table: {table} -->\n<!-- end -->")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_committed_page_is_not_stale() -> None:
    assert describe.updated(COMMITTED) == COMMITTED, (
        "stale: run `python -m proxy.dialects.describe docs/reference`"
    )


def test_every_table_has_a_row_or_a_column_for_every_kind() -> None:
    for table in ("kinds", "proofs", "streams", "limits"):
        assert [row[0] for row in rows(table)[2:]] == [f"`{name}`" for name in ENGINES]
    assert rows("operations")[0][1:] == list(ENGINES)


def test_a_cell_says_whether_or_since_when_a_path_is_there() -> None:
    head, _, *table = rows("operations")
    cells = {row[0]: dict(zip(head, row, strict=True)) for row in table}

    assert cells["`/v1/chat/completions`"]["vllm"] == "yes"
    assert cells["`/v1/messages`"]["vllm"] == "0.11.2+"
    assert cells["`/v1/messages`"]["mlx-lm"] == "t"
    assert cells["`/v1/messages/count_tokens`"]["tgi"] == "e"
    assert cells["`/v1/rerank`"]["tgi"] == ""


def test_what_is_written_by_hand_stays(tmp_path: Path) -> None:
    page = tmp_path / describe.PAGE
    page.write_text("by hand\n<!-- table: ports -->\nold\n<!-- end -->\nbelow\n")

    describe.write(tmp_path)

    before, mark, ports, end, below = page.read_text().splitlines()
    assert (before, mark, end, below) == (
        "by hand",
        "<!-- table: ports -->",
        "<!-- end -->",
        "below",
    )
    assert ports.startswith("1234, 3000, 4000, 8000")
