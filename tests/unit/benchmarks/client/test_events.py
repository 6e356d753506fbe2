"""Events are cut where they end and stamped with the piece that ended them."""

from benchmarks.client.events import ndjson, sse


def test_each_event_has_the_arrival_of_its_end() -> None:
    pieces = [(1, b"data: a\n\nda"), (2, b"ta: b\n"), (3, b"\ndata: c\n\ndata: d\n\n")]

    assert [(one.stamp, one.data) for one in sse(pieces)] == [
        (1, b"a"),
        (3, b"b"),
        (3, b"c"),
        (3, b"d"),
    ]


def test_comments_have_no_data_and_types_are_kept() -> None:
    pieces = [(1, b": ping\n\nevent: error\ndata: {}\n\ndata:x\ndata: y\n\n")]

    assert [(one.kind, one.data) for one in sse(pieces)] == [("error", b"{}"), ("", b"x\ny")]


def test_carriage_returns() -> None:
    pieces = [(1, b"event: m\r\ndata: a\r\n\r"), (2, b"\ndata: b\r\n\r\n")]

    assert [(one.stamp, one.kind, one.data) for one in sse(pieces)] == [
        (2, "m", b"a"),
        (2, "", b"b"),
    ]


def test_an_event_without_its_end_is_none() -> None:
    assert [one.data for one in sse([(1, b"data: a\n\ndata: b")])] == [b"a"]
    assert list(sse([])) == []


def test_lines_of_json_and_a_last_one_without_its_end() -> None:
    pieces = [(1, b'{"a":1}\n{"b"'), (2, b':2}\n\n{"c":3}')]

    assert [(one.stamp, one.data) for one in ndjson(pieces)] == [
        (1, b'{"a":1}'),
        (2, b'{"b":2}'),
        (2, b'{"c":3}'),
    ]
