"""HTML text."""

from benchmarks.report.page.markup import element, said, table
from benchmarks.report.sheet import Grid, Tone, cell


def test_words_and_attributes_are_escaped() -> None:
    assert said("<b>&", "p", title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;&amp;</p>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_a_table_names_its_rows_and_columns_and_can_be_reached_by_keyboard() -> None:
    grid = Grid(
        title="latency",
        heads=("", "p50"),
        rows=((cell("ttft"), cell("1 ms", "below", Tone.BAD)),),
        notes=("a note",),
    )
    drawn = table(grid, label="Latency")

    assert '<th scope="row">ttft</th>' in drawn
    assert '<th scope="col">p50</th>' in drawn
    assert 'tabindex="0" role="region" aria-label="Latency"' in drawn
    assert '<span class="t-bad">1 ms</span><small>below</small>' in drawn
    assert drawn.endswith('<p class="note">a note</p>')
