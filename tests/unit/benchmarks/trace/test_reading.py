"""Reading files: recognised formats, packed files, and everything that can be wrong."""

import gzip
from pathlib import Path

import pytest

from benchmarks.trace.problems import TraceError
from benchmarks.trace.reading import FORMATS, named, read, recognised

TABLE = "t_s,input_tokens,output_tokens\n2,5,6\n1,3,4\n"


def file(folder: Path, text: str | bytes) -> Path:
    path = folder / "trace"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens", "azure"),
        ("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type", "burstgpt"),
        ("pool,window_s,client,rate_rps,iat_cv,iat_dist,param_shape,param_scale", "servegen"),
        ('{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":[]}', "mooncake"),
        ('{"timestamp":"x","level":"info","event":"request"}', "access-log"),
        ('{"resourceSpans":[]}', "otel"),
        ("t_s,input_tokens,output_tokens", "csv"),
        ('{"t_s":0,"input_tokens":1,"output_tokens":1}', "jsonl"),
    ],
)
def test_a_format_is_recognised_by_its_first_line(line: str, name: str) -> None:
    assert recognised(line, "t").name == name


def test_rows_come_in_order_of_time(tmp_path: Path) -> None:
    trace = read(file(tmp_path, TABLE))

    assert (trace.format, trace.name) == ("csv", "trace")
    assert [(row.at, row.input_tokens) for row in trace.rows] == [(1, 3), (2, 5)]


def test_a_packed_file_and_one_from_windows(tmp_path: Path) -> None:
    plain = read(file(tmp_path, TABLE)).rows

    assert read(file(tmp_path, gzip.compress(TABLE.encode()))).rows == plain
    assert read(file(tmp_path, "\ufeff" + TABLE.replace("\n", "\r\n"))).rows == plain


def test_only_the_first_lines(tmp_path: Path) -> None:
    assert [row.at for row in read(file(tmp_path, TABLE), limit=2).rows] == [2]


def test_bad_rows_refuse_the_trace_or_are_left_out(tmp_path: Path) -> None:
    path = file(tmp_path, TABLE + "x,1,1\n3,1,0\n")

    with pytest.raises(TraceError, match="2 bad rows") as caught:
        read(path)
    assert caught.value.lines == (4, 5)
    assert read(path, skip_bad=True).notes == ("2 bad rows left out, lines 4, 5",)


def test_a_coarse_clock_is_noted(tmp_path: Path) -> None:
    rows = "".join(f"{3 * (number // 5)},1,1\n" for number in range(50))

    notes = read(file(tmp_path, "t_s,input_tokens,output_tokens\n" + rows)).notes

    assert notes == ("its clock moves in steps of 3 s",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("# notes\n", "in no format known"),
        ("t_s,input_tokens,output_tokens\n", "has no usable row"),
        (b"\x1f\x8b not gzip", "cannot be read"),
    ],
)
def test_files_without_a_trace(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(TraceError, match=told):
        read(file(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        read(tmp_path / "nothing")


def test_a_format_by_name() -> None:
    assert named("azure") is FORMATS["azure"]
    with pytest.raises(TraceError, match="no trace format 'xml': azure, "):
        named("xml")
