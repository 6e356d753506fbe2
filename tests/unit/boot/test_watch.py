"""Changes on disk are seen, however they are made, and only once they are done."""

import os
import threading
from pathlib import Path

import pytest

from proxy.boot.watch import Watch, stamp


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "headrace.yaml"
    path.write_text("limits: {queue: 1}\n")
    return path


def nobody() -> None:
    raise AssertionError


def watching(*files: Path) -> Watch:
    watch = Watch(files, nobody)
    assert not watch.look()  # takes note
    return watch


def test_a_file_that_rests_is_no_news(file: Path) -> None:
    watch = watching(file)

    assert not watch.look()


def test_a_change_is_told_once_it_rests(file: Path) -> None:
    watch = watching(file)

    file.write_text("limits: {queue: 2")
    assert not watch.look()
    file.write_text("limits: {queue: 20}\n")
    assert not watch.look()

    assert [watch.look(), watch.look()] == [True, False]


def test_a_file_renamed_over_it_is_a_change(file: Path) -> None:
    watch = watching(file)
    before = file.stat()
    other = file.with_name("new")
    other.write_text(file.read_text())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))

    other.rename(file)

    assert [watch.look(), watch.look()] == [False, True]


def test_a_file_gone_for_a_moment_is_not_mourned(file: Path) -> None:
    watch = watching(file)
    text = file.read_text()

    file.unlink()
    assert not watch.look()
    file.write_text(text)

    assert [watch.look(), watch.look(), watch.look()] == [False, True, False]


def test_a_file_that_stays_away_is_told_once(file: Path) -> None:
    watch = watching(file)

    file.unlink()

    assert [watch.look() for _ in range(4)] == [False, True, False, False]


def test_a_link_swapped_as_kubernetes_does_is_a_change(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"..data_{number}"
        folder.mkdir()
        (folder / "headrace.yaml").write_text(f"limits: {{queue: {number}}}\n")
    data, mounted = tmp_path / "..data", tmp_path / "headrace.yaml"
    data.symlink_to("..data_1")
    mounted.symlink_to("..data/headrace.yaml")
    watch = watching(mounted)

    (tmp_path / "..data_tmp").symlink_to("..data_2")
    (tmp_path / "..data_tmp").rename(data)

    assert [watch.look(), watch.look()] == [False, True]
    assert "2" in mounted.read_text()


def test_a_folder_changes_with_what_is_in_it(tmp_path: Path) -> None:
    inside = tmp_path / "mine.yaml"
    empty = stamp([tmp_path])

    inside.write_text("a")
    first = stamp([tmp_path])
    inside.write_text("ab")

    assert len({empty, first, stamp([tmp_path])}) == 3


def test_what_was_read_is_known_and_what_changed_since_is_not(file: Path) -> None:
    watch = watching(file)
    file.write_text("limits: {queue: 22}\n")
    before = watch.reading()

    watch.follow([file], before)
    assert not watch.look()

    before = watch.reading()
    file.write_text("limits: {queue: 333}\n")  # while it is read
    watch.follow([file], before)
    assert [watch.look(), watch.look()] == [False, True]


def test_other_files_are_followed(file: Path) -> None:
    watch = watching(file)
    key = file.with_name("key")
    watch.follow([file, key], watch.reading())

    key.write_text("sk-1")

    assert [watch.look(), watch.look()] == [False, True]


def test_the_thread_tells_and_ends(file: Path) -> None:
    told = threading.Event()
    watch = Watch([file], told.set, interval=0.001)
    watch.start()

    while not told.wait(0.005):
        file.write_text(file.read_text() + "#")
    watch.stop()
    watch._thread.join(5)

    assert not watch._thread.is_alive()


def test_without_files_there_is_no_thread() -> None:
    watch = Watch([], nobody)
    watch.start()

    assert not watch._thread.is_alive()
