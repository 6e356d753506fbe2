"""A user's own profiles: read from a folder, added to those of the package, checked with lines."""

from pathlib import Path

import pytest

from proxy.dialects.registry import ENGINES
from proxy.settings.load import load
from proxy.settings.problems import SettingsError
from proxy.settings.profiles import MAX_FILE, Profiles, read, together

MINE = """\
profile: {name}
schema: 1
title: Mine
ready:
  probes:
    - get: /up
operations:
  /v1/chat/completions: {{}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "engines"
    made.mkdir()
    return made


def put(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text)


def told(folder: Path) -> list[str]:
    return [str(problem).replace(str(folder), "DIR") for problem in read(folder)[1]]


def test_a_profile_adds_a_kind_or_takes_the_place_of_one(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine"))
    put(folder, "b", MINE.format(name="vllm"))
    (folder / "notes.txt").write_text("no profile")

    engines, problems = read(folder)
    all_of_them = together(Profiles(folder=str(folder), engines=engines))

    assert not problems
    assert set(engines) == {"mine", "vllm"}
    assert all_of_them["vllm"] is engines["vllm"]
    assert all_of_them["sglang"] is ENGINES["sglang"]
    assert list(all_of_them)[-1] == "openai"
    assert together(None) is ENGINES


def test_every_flaw_is_told_with_its_line(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine").replace("/up", "/terminate"))
    put(folder, "b", MINE.format(name="other") + "strem: {}\nclient: {idle: fast}\n")

    first, second, third = told(folder)

    assert first.startswith("DIR/a.yaml:6: ready.probes[0].get: /terminate must never be asked")
    assert second.startswith("DIR/b.yaml:9: strem: unknown key; allowed: profile, schema")
    assert second.endswith("did you mean stream?")
    assert third == "DIR/b.yaml:10: client.idle: found 'fast'; allowed: a number"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile: [", "not YAML"),
        ("profile: a\nprofile: b\n", "this key stands twice"),
        ("x" * (MAX_FILE + 1), "larger than 256 KiB"),
        ("", "found no value"),
        ("when: 2026-99-99\n", "not YAML"),
        ("a: &x [*x]\n", "contains itself"),
    ],
)
def test_a_file_that_is_no_profile_is_told(folder: Path, text: str, words: str) -> None:
    put(folder, "a", text)

    assert words in "\n".join(told(folder))
    assert read(folder)[0] == {}


def test_two_files_for_one_kind_are_told(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine"))
    put(folder, "b", MINE.format(name="mine"))

    assert told(folder) == ["DIR/b.yaml: profile: 'mine' is also the profile of DIR/a.yaml"]


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "sub.yaml").mkdir()

    assert told(folder) == ["DIR/sub.yaml: cannot be read: Is a directory"]


def test_a_folder_that_is_not_there_is_told_where_it_was_named(folder: Path) -> None:
    folder.rmdir()

    with pytest.raises(SettingsError) as caught:
        load(settings(folder, "mine"), {})
    (problem,) = caught.value.problems

    assert (problem.path, problem.source.line) == ("profiles", 1)
    assert problem.found == f"{folder} cannot be read: No such file or directory"


def settings(folder: Path, kind: str) -> Path:
    file = folder.parent / "headrace.yaml"
    file.write_text(f"profiles: engines\nbackends: [{{url: 'http://a:1', type: {kind}}}]\n")
    return file


def test_a_relative_folder_starts_at_the_settings_and_its_kinds_can_be_named(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine"))

    loaded = load(settings(folder, "mine"), {})

    assert loaded.settings.backends[0].type == "mine"
    assert loaded.settings.engines["mine"].title == "Mine"


def test_a_kind_nobody_describes_is_told_with_those_there_are(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine"))

    with pytest.raises(SettingsError) as caught:
        load(settings(folder, "mime"), {})

    (problem,) = caught.value.problems
    assert (problem.path, problem.found) == ("backends[0].type", "found 'mime'")
    assert "mine" in problem.allowed
    assert problem.hint == "did you mean mine?"


def test_a_kind_of_a_broken_profile_is_not_told_besides(folder: Path) -> None:
    put(folder, "a", MINE.format(name="mine") + "strem: {}\n")

    with pytest.raises(SettingsError) as caught:
        load(settings(folder, "mine"), {})

    assert [problem.path for problem in caught.value.problems] == ["strem"]
