"""Records in files: what is written comes back, and what cannot be read is said in a sentence."""

import gzip
import math
from pathlib import Path

import pytest

from benchmarks.report.record_file import RecordError, decode, encode, load, save
from tests.fixtures.bench import records


@pytest.mark.parametrize("name", ["run.json", "deep/run.json.gz"])
def test_a_record_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    record = records.overhead(rounds=6)

    save(record, tmp_path / name)

    assert load(tmp_path / name) == record


def test_only_gz_is_packed(tmp_path: Path) -> None:
    save(records.endpoint(), tmp_path / "run.json")
    save(records.endpoint(), tmp_path / "run.json.gz")

    assert (tmp_path / "run.json").read_bytes().startswith(b"{\n")
    assert (
        gzip.decompress((tmp_path / "run.json.gz").read_bytes())
        == (tmp_path / "run.json").read_bytes()
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"schema": 2, "command": "run"}', "schema 2; this headrace reads schemas up to 1"),
        (b"nonsense", "is not JSON"),
        (b"[1]", "not a result of headrace bench"),
        (b'{"phases": []}', "not a result of headrace bench"),
        (b'{"schema": 1, "command": "run", "blocks": 3}', "a field is wrong"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
    ],
)
def test_what_is_no_record_is_told(data: bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        decode(data, origin="x.json")


def test_a_missing_file_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"none\.json cannot be read: No such file"):
        load(tmp_path / "none.json")


def test_gaps_in_a_series_come_back_as_gaps() -> None:
    record = records.endpoint()
    record.series = {"search:a": {"rate": [1.0, float("nan"), 3.0]}}

    back = decode(encode(record), origin="x").series["search:a"]["rate"]

    assert math.isnan(back[1])
    assert [back[0], back[2]] == [1.0, 3.0]


def test_fields_of_a_later_version_are_skipped() -> None:
    data = encode(records.endpoint()).replace(b'"schema": 1', b'"schema": 1, "later": [1]', 1)

    assert decode(data, origin="x") == records.endpoint()
