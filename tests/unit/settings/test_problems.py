"""Problems as text: place first, then finding, range and hint; in reading order."""

import pytest

from proxy.settings.problems import DEFAULT, Layer, Problem, SettingsError, Source, suggestion


def at(line: int, layer: Layer = Layer.FILE, name: str = "a.yaml") -> Source:
    return Source(layer=layer, name=name, line=line)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (DEFAULT, "default"),
        (at(12), "a.yaml:12"),
        (at(0), "a.yaml"),
        (Source(layer=Layer.ENVIRONMENT, name="HEADRACE_LISTEN"), "env HEADRACE_LISTEN"),
        (Source(layer=Layer.FLAG, name="--listen"), "--listen"),
    ],
)
def test_a_source_says_where(source: Source, text: str) -> None:
    assert str(source) == text


def test_a_problem_says_place_finding_range_and_hint() -> None:
    problem = Problem(
        path="limits.body", source=at(3), found="found '1B'", allowed="1KiB to 2GiB", hint="more"
    )

    assert str(problem) == "a.yaml:3: limits.body: found '1B'; allowed: 1KiB to 2GiB\n    more"


def test_a_problem_of_the_whole_file_has_no_key() -> None:
    assert str(Problem(path="", source=at(0), found="not YAML")) == "a.yaml: not YAML"


def test_problems_stand_in_reading_order_file_before_environment_before_flags() -> None:
    flag = Problem(path="listen", source=Source(layer=Layer.FLAG, name="--listen"), found="x")
    late, early = (Problem(path="b", source=at(line), found="x") for line in (20, 3))

    error = SettingsError([flag, late, early])

    assert error.problems == (early, late, flag)
    assert error.report().startswith("3 problems in the settings:\na.yaml:3")
    assert str(error) == error.report()


def test_one_problem_is_not_many() -> None:
    error = SettingsError([Problem(path="b", source=at(1), found="x")])

    assert error.report().startswith("1 problem in")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("lisen", "did you mean listen?"),
        ("Header-Timeout", "did you mean header_timeout?"),
        ("zebra", ""),
    ],
)
def test_a_suggestion_is_the_nearest_known_word(word: str, hint: str) -> None:
    assert suggestion(word, ["listen", "header_timeout"]) == hint
