"""A trace cut into slices, and traces that cannot be used."""

from pathlib import Path

import pytest

from benchmarks.commands import overhead, replay
from benchmarks.load.planned import Planned, Schedule
from benchmarks.method.passage import Slice


def schedule(*times: float, sessions: tuple[int, ...] = (), span: float = 10.0) -> Schedule:
    requests = tuple(
        Planned(
            at=at,
            input_tokens=1,
            output_tokens=1,
            session=sessions[place] if sessions else -1,
        )
        for place, at in enumerate(times)
    )
    return Schedule(requests=requests, span=span)


def times(parts: list[tuple[Slice, Schedule]]) -> list[list[float]]:
    return [[round(one.at, 6) for one in part.requests] for _, part in parts]


def test_a_slice_begins_at_its_own_second_zero() -> None:
    parts = replay.slices(schedule(0.0, 1.0, 2.5, 9.9), 4)
    assert times(parts) == [[0.0, 1.0], [0.0], [2.4]]
    assert {part.span for _, part in parts} == {2.5}
    assert [place.begins for place, _ in parts] == [0.0, 2.5, 7.5]


def test_turns_of_a_session_stay_together() -> None:
    parts = replay.slices(schedule(0.0, 3.0, 6.0, sessions=(1, 2, 1)), 5)
    assert [[one.session for one in part.requests] for _, part in parts] == [[1, 1], [2]]


def test_the_last_request_is_in_the_last_slice() -> None:
    assert times(replay.slices(schedule(0.0, 10.0), 2)) == [[0.0], [5.0]]


def test_a_trace_with_bad_rows_names_their_lines_and_ends_with_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("t_s,input_tokens,output_tokens\n0,10,10\n1,many,10\n2,10,-4\n")
    assert replay.main(replay.Options(path=file)) == 4
    told = capsys.readouterr().err
    assert "line 3" in told
    assert "line 4" in told


def test_a_trace_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(replay.Options(path=tmp_path / "none.csv")) == 4
    assert "none.csv" in capsys.readouterr().err


def test_a_part_too_short_for_arms_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("t_s,input_tokens,output_tokens\n0,10,10\n1,10,10\n9,10,10\n")
    options = replay.Options(path=file, arms=overhead.Options(via=("headrace",)))
    assert replay.main(options) == 4
    assert "--span" in capsys.readouterr().err
