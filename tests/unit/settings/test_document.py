"""YAML as nodes with lines: nothing is converted, doubled keys and broken files are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import document
from proxy.settings.document import Mapping, Scalar, Sequence


def entry(node: document.Node, name: str) -> document.Node:
    assert isinstance(node, Mapping)
    return node.entries[name].value


def test_every_node_knows_its_line() -> None:
    root, problems = document.parse(b"a: 1\nb:\n  - x\n  - y: 2\n", "f.yaml")

    assert not problems
    items = entry(root, "b")
    assert isinstance(items, Sequence)
    assert [str(item.source) for item in items.items] == ["f.yaml:3", "f.yaml:4"]


@pytest.mark.parametrize("text", ["1:30", "on", "0x10", "1_000", "2024-01-01", "1e3", "yes"])
def test_a_value_stays_the_text_it_was_written_as(text: str) -> None:
    root, _ = document.parse(f"a: {text}".encode(), "f.yaml")

    value = entry(root, "a")
    assert isinstance(value, Scalar)
    assert (value.text, value.null) == (text, False)


@pytest.mark.parametrize("text", ["", "null", "~"])
def test_nothing_is_null(text: str) -> None:
    root, _ = document.parse(f"a: {text}".encode(), "f.yaml")

    value = entry(root, "a")
    assert isinstance(value, Scalar)
    assert value.null


def test_a_quoted_null_is_a_word() -> None:
    root, _ = document.parse(b"a: 'null'", "f.yaml")

    value = entry(root, "a")
    assert isinstance(value, Scalar)
    assert not value.null


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"---\n"])
def test_an_empty_file_is_an_empty_mapping(data: bytes) -> None:
    root, problems = document.parse(data, "f.yaml")

    assert not problems
    assert isinstance(root, Mapping) or (isinstance(root, Scalar) and root.null)


def test_a_key_that_stands_twice_is_a_problem_and_the_first_value_stands() -> None:
    root, (problem,) = document.parse(b"a:\n  b: 1\n  b: 2\n", "f.yaml")

    assert str(problem) == "f.yaml:3: a.b: this key stands twice\n    the first is in line 2"
    value = entry(entry(root, "a"), "b")
    assert isinstance(value, Scalar)
    assert value.text == "1"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: [1\nb: 2", "f.yaml:2"),
        (b"a: 1\n b: 2", "f.yaml:2"),
        (b"a: *nothing", "f.yaml:1"),
        (b"a: 1\n---\nb: 2", "f.yaml:2"),
        (b"\t- a", "f.yaml:1"),
        (b"a: \x00", "f.yaml"),
        (b"\xff\xfe\x00", "f.yaml"),
        (b"[" * 5000, "f.yaml"),
    ],
)
def test_a_broken_file_is_one_problem_with_its_place(data: bytes, place: str) -> None:
    root, (problem,) = document.parse(data, "f.yaml")

    assert root == Mapping(source=root.source)
    assert str(problem.source) == place


@pytest.mark.parametrize(("value", "told"), [(b"${KEY}", True), (b"[", False)])
def test_a_variable_without_quotes_within_braces_is_told(value: bytes, *, told: bool) -> None:
    _, (problem,) = document.parse(b"a: 1\nb: {c: %b}\n" % value, "f.yaml")

    assert ('"${NAME}"' in problem.hint) is told


def test_the_message_of_a_broken_line_does_not_quote_it() -> None:
    _, (problem,) = document.parse(b"api_key: sk-secret: oops", "f.yaml")

    assert "sk-secret" not in str(problem)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"a: !secret x", "the tag !secret has no meaning here"),
        (b"? [1, 2]\n: x", "a key must be a plain word"),
        (b"a: &x [*x]", "this alias contains itself"),
    ],
)
def test_what_yaml_allows_and_settings_do_not(data: bytes, found: str) -> None:
    _, problems = document.parse(data, "f.yaml")

    assert found in [problem.found for problem in problems]


def test_aliases_of_aliases_do_not_blow_up() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]

    root, problems = document.parse("\n".join(lines).encode(), "f.yaml")

    assert not problems
    assert isinstance(entry(root, "l29"), Sequence)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    root, problems = document.parse(data, "f.yaml")

    assert isinstance(root, Mapping | Sequence | Scalar)
    assert all(problem.source.name == "f.yaml" for problem in problems)
