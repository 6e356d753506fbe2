"""What every format has."""

import pytest

from benchmarks.trace.form import Found
from benchmarks.trace.problems import Ledger
from benchmarks.trace.reading import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_a_row_is_and_reads_nothing_from_nothing(name: str) -> None:
    ledger = Ledger()

    assert FORMATS[name].allowed
    assert FORMATS[name].read([], ledger).rows == Found(rows=[]).rows
    assert ledger.notes() == ()
