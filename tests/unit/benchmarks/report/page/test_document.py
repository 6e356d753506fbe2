"""The page: one file, complete, small, with the record inside."""

import base64
import random
import re
from html.parser import HTMLParser

import msgspec
import pytest
from typing_extensions import override

from benchmarks.report.page.document import MOST_BYTES, as_html
from benchmarks.report.record import Record
from benchmarks.report.record_file import decode
from tests.fixtures.bench import records


class Balance(HTMLParser):
    """Notes elements that are closed in another order than they were opened."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    @override
    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def embedded(page: str) -> Record:
    found = re.search(r'href="data:application/(?:json|gzip);base64,([^"]+)"', page)
    assert found is not None
    return decode(base64.b64decode(found.group(1)), origin="page")


@pytest.mark.parametrize(
    "record",
    [records.overhead(), records.overhead(["headrace", "nginx", "litellm"]), records.endpoint()],
    ids=["one", "many", "endpoint"],
)
def test_it_is_whole_small_and_holds_the_record(record: Record) -> None:
    page = as_html(record)
    balance = Balance()
    balance.feed(page)

    assert not balance.wrong
    assert not balance.open
    assert len(page.encode()) <= MOST_BYTES
    assert embedded(page) == record


def test_nothing_is_fetched() -> None:
    page = as_html(records.overhead())

    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    assert "url(" not in page
    assert "@import" not in page


def test_a_record_too_large_is_packed_and_at_last_left_without_distributions() -> None:
    record = records.overhead(rounds=8)
    luck = random.Random(1)
    record.series["noise"] = {"x": [luck.random() for _ in range(30_000)]}
    page = as_html(record)

    assert len(page.encode()) <= MOST_BYTES
    assert "JSON without distributions" in page
    assert embedded(page) == msgspec.structs.replace(record, histograms={}, series={})


def test_an_invalid_run_shows_its_reason_and_no_cards() -> None:
    record = records.overhead(rounds=8)
    record.verdict = "invalid"
    page = as_html(record)

    assert "lead warn" in page
    assert "<svg" not in page
    assert 'class="cards"' not in page


def test_plots_without_data_are_told_why() -> None:
    page = as_html(records.endpoint())

    assert "Not drawn for this run:" in page
    assert "Only `headrace bench capacity` searches." in page


def test_names_from_a_record_cannot_become_markup() -> None:
    record = records.endpoint()
    record.workload = "<script>alert(1)</script>"
    record.facts["<i>"] = "<b>"

    page = as_html(record)

    assert "<script>alert" not in page
    assert "<i>" not in page
