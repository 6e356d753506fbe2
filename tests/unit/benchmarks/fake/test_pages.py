"""Pages out of templates, and errors in every shape."""

import msgspec
import pytest

from benchmarks.fake import pages
from benchmarks.fake.looks.look import Each, Errors, Look, Text
from tests.unit.benchmarks.fake.looks.test_registry import Still


def test_a_template_is_filled_with_values_of_their_own_types() -> None:
    template = {
        "count": "$running",
        "words": "$running of $slots",
        "rows": Each({"id": "$model", "path": "x/$model.gguf"}),
        "plain": [None, 1, "a"],
    }

    assert pages.fill(template, Still()) == {
        "count": 1,
        "words": "1 of 3",
        "rows": [{"id": "one", "path": "x/one.gguf"}, {"id": "two", "path": "x/two.gguf"}],
        "plain": [None, 1, "a"],
    }
    assert pages.fill("no $path", Still(), path="/x") == "no /x"


def test_an_unknown_value_is_an_error_not_a_page() -> None:
    with pytest.raises(KeyError, match="nobody"):
        pages.fill("$nobody", Still())


def test_a_text_page_has_its_own_type_and_status() -> None:
    page = pages.page(Text("gone: $path", "text/plain", 404), Still(), path="/x")

    assert (page.body, page.content_type, page.status) == (b"gone: /x", b"text/plain", 404)


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (Errors.OPENAI, {"error": {"message": "no", "type": "k", "param": None, "code": 503}}),
        (Errors.BARE, {"error": {"code": 503, "message": "no", "type": "k"}}),
        (
            Errors.FLAT,
            {"object": "error", "message": "no", "type": "k", "param": None, "code": 503},
        ),
        (Errors.WORDS, {"error": "no"}),
        (Errors.TYPED, {"error": "no", "error_type": "k"}),
        (Errors.DETAIL, {"detail": "no"}),
        (
            Errors.ANTHROPIC,
            {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
        ),
    ],
)
def test_the_shapes_of_errors(shape: Errors, body: object) -> None:
    page = pages.error(Look(pages={}, apis={}, errors=shape), 503, "no", kind="k")

    assert msgspec.json.decode(page.body) == body


def test_an_error_on_an_anthropic_path_has_that_apis_shape() -> None:
    page = pages.error(Look(pages={}, apis={}), 400, "no", anthropic=True)

    assert msgspec.json.decode(page.body)["error"]["type"] == "invalid_request_error"


def test_an_error_inside_a_stream_is_always_an_object_with_error() -> None:
    for shape in Errors:
        body = pages.event(Look(pages={}, apis={}, errors=shape), 503, "no")
        assert "error" in msgspec.json.decode(body)


def test_another_method_is_405_or_as_if_there_were_no_such_path() -> None:
    assert pages.wrong_method(Look(pages={}, apis={}), Still(), "/x").status == 405
    shy = Look(pages={}, apis={}, wrong_method=None)
    assert pages.wrong_method(shy, Still(), "/x").status == 404
