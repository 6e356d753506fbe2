"""Lists of backends in files of their own: read, judged and watched like the settings file."""

from pathlib import Path

import pytest

from proxy.settings.included import MAX_FILE
from proxy.settings.load import Loaded, load
from proxy.settings.problems import SettingsError

OWN = "backends: [{name: own, url: 'http://10.0.0.1:8000'}]\n"


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path, files: str, own: str = "") -> Loaded:
    return load(put(folder, "headrace.yaml", f"discovery: {{files: {files}}}\n{own}"), {})


def names(loaded: Loaded) -> list[str]:
    return [backend.name for backend in loaded.settings.backends]


def told(folder: Path, files: str, own: str = "") -> list[str]:
    with pytest.raises(SettingsError) as error:
        read(folder, files, own)
    return [str(problem).replace(str(folder), "DIR") for problem in error.value.problems]


@pytest.mark.setting("discovery.files")
def test_the_backends_of_files_stand_behind_the_own_ones_with_all_their_keys(
    tmp_path: Path,
) -> None:
    put(tmp_path, "key", "sk-1\n")
    put(tmp_path, "a.yaml", "- url: http://10.0.0.2:8000\n  weight: 2\n  api_key_file: key\n")
    put(tmp_path, "b.json", '{"backends": [{"name": "b", "url": "http://10.0.0.3:8000"}]}')

    loaded = read(tmp_path, "[a.yaml, b.json]", OWN)

    assert names(loaded) == ["own", "10.0.0.2:8000", "b"]
    second = loaded.settings.backends[1]
    assert second.weight == 2.0
    assert second.api_key is not None
    assert second.api_key.reveal() == "sk-1"
    assert str(loaded.origins["backends[1].weight"]).endswith("a.yaml:2")
    watched = {path.name for path in loaded.files}
    assert watched == {"headrace.yaml", "a.yaml", "b.json", "key"}


def test_a_pattern_takes_what_matches_in_order_and_its_folder_is_watched(tmp_path: Path) -> None:
    assert names(read(tmp_path, "'d/*.yaml'", OWN)) == ["own"]
    for name in ("b", "a"):
        put(tmp_path, f"d/{name}.yaml", f"[{{name: {name}, url: 'http://10.0.1.{ord(name)}:80'}}]")
    put(tmp_path, "d/notes.txt", "no list")

    loaded = read(tmp_path, "'d/*.yaml'", OWN)

    assert names(loaded) == ["own", "a", "b"]
    assert tmp_path / "d" in loaded.files


def test_a_list_without_backends_is_in_order(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", "[]")

    assert names(read(tmp_path, "a.yaml", OWN)) == ["own"]


def test_a_file_that_is_not_there_or_holds_no_list_is_told(tmp_path: Path) -> None:
    put(tmp_path, "empty.yaml", "")
    put(tmp_path, "broken.yaml", "- url: [")
    put(tmp_path, "large.yaml", " " * (MAX_FILE + 1))

    problems = told(tmp_path, "[empty.yaml, broken.yaml, large.yaml, none.yaml]", OWN)

    assert [problem.partition("\n")[0] for problem in problems] == [
        "DIR/broken.yaml:1: not YAML: expected the node content, but found '<stream end>'",
        "DIR/empty.yaml: it holds no list of backends",
        "DIR/large.yaml: larger than 4 MiB",
        "DIR/none.yaml: cannot be read: No such file or directory",
    ]


def test_what_is_wrong_in_a_file_is_told_with_its_line_and_judged_with_the_rest(
    tmp_path: Path,
) -> None:
    put(tmp_path, "a.yaml", "- url: http://10.0.0.1:8000\n- url: ftp://x\n- {weight: 1}\n")

    first, second, third = told(tmp_path, "a.yaml", OWN)

    assert first.startswith("DIR/a.yaml:1: backends[1].url: http://10.0.0.1:8000 is also the URL")
    assert second.startswith("DIR/a.yaml:2: backends[2].url: found 'ftp://x'")
    assert third.startswith("DIR/a.yaml:3: backends[3].url: this key is missing")
