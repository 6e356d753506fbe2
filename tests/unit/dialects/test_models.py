"""Listings are read for what matters, whatever else they hold."""

import pytest

from proxy.dialects.base import Reply
from proxy.dialects.models import (
    MAX_MODELS,
    MAX_REASON,
    error_text,
    items,
    owners,
    positive,
    read_list,
    status_reason,
    usable,
)
from tests.fixtures.detect.replies import recorded


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body)


def test_a_listing_gives_id_owner_and_context() -> None:
    listing = read_list(recorded("vllm-0.32.0")["/v1/models"])

    assert listing.problem == ""
    (model,) = listing.models
    assert (model.id, model.owned_by, model.context_length) == ("tiny", "vllm", 2048)


def test_the_time_of_the_call_and_invented_ids_change_nothing() -> None:
    first = recorded("vllm-0.32.0")["/v1/models"]
    later = reply(
        first.body.replace(b"1795356083", b"1795999999").replace(b"90b824d7693dc1e9", b"0000")
    )

    assert first.body != later.body
    assert read_list(first).models == read_list(later).models


@pytest.mark.parametrize("body", [b'{"object":"list","data":null}', b'{"data":[]}'])
def test_a_list_of_nothing_is_a_list(body: bytes) -> None:
    listing = read_list(reply(body))

    assert listing.models == ()
    assert listing.problem == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"models":[]}', b'{"data":{}}', b'{"data":"x"}', b"\xff"],
)
def test_what_is_no_list_is_a_problem(body: bytes) -> None:
    assert read_list(reply(body)).problem == "not a model list"
    assert items(reply(body)) is None


def test_a_server_that_answers_200_to_every_path_is_quoted() -> None:
    body = b'{"error":"Unexpected endpoint or method. (GET /v1/models)"}'

    assert read_list(reply(body)).problem == (
        "not a model list: Unexpected endpoint or method. (GET /v1/models)"
    )


def test_entries_without_a_usable_id_and_repetitions_are_left_out() -> None:
    body = (
        b'{"data":[1,{"id":7},{"id":""},{"id":"a\\u0000b"},{"id":"a\\nb"},{"id":"good"},'
        b'{"id":"good"},{"x":1},{"id":"other","owned_by":3}]}'
    )

    assert [(m.id, m.owned_by) for m in read_list(reply(body)).models] == [
        ("good", ""),
        ("other", ""),
    ]


def test_a_list_without_end_is_cut() -> None:
    body = b'{"data":[' + b",".join(b'{"id":"m%d"}' % n for n in range(MAX_MODELS + 5)) + b"]}"

    assert len(read_list(reply(body)).models) == MAX_MODELS


@pytest.mark.parametrize(
    ("field", "value", "tokens"),
    [
        ("max_model_len", "4096", 4096),
        ("context_length", "8192", 8192),
        ("context_window", "1", 1),
        ("max_context_length", "2", 2),
        ("max_model_len", "null", None),
        ("max_model_len", '"4096"', None),
        ("max_model_len", "0", None),
        ("max_model_len", "true", None),
        ("max_model_len", "1.5", None),
    ],
)
def test_the_context_is_found_under_its_usual_names(
    field: str, value: str, tokens: int | None
) -> None:
    (model,) = read_list(reply(f'{{"data":[{{"id":"m","{field}":{value}}}]}}'.encode())).models

    assert model.context_length == tokens


def test_reasons_repeat_the_engines_words_but_not_all_of_them() -> None:
    assert status_reason(reply(b"")) == ""
    assert status_reason(reply(b"", 502)) == "status 502"
    assert (
        status_reason(reply(b'{"error":{"message":"Loading model"}}', 503))
        == "status 503: Loading model"
    )
    assert status_reason(reply(b'{"detail":"gone"}', 404)) == "status 404: gone"
    assert status_reason(reply(b'{"error":"Unauthorized"}', 401)) == "status 401: needs credentials"
    assert len(error_text(reply(b'{"error":"' + b"x" * 9999 + b'"}'))) == MAX_REASON
    assert error_text(reply(b'{"error":{"message":5}}')) == ""


def test_owners_are_those_of_the_listing() -> None:
    body = b'{"data":[{"id":"a","owned_by":"x"},{"id":"b","owned_by":null},{"id":"c"}]}'

    assert owners(reply(body)) == {"x"}
    assert owners(reply(body, 404)) == frozenset()


def test_numbers_and_names_are_taken_only_if_they_are_such() -> None:
    assert positive(3) == 3
    assert positive(-3) is None
    assert usable("meta-llama/Llama-3:8b")
    assert not usable("a\tb")
    assert not usable("x" * 600)
