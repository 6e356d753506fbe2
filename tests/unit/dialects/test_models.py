"""What is read of any reply before anything is known of its engine."""

import pytest

from proxy.dialects.base import Reply
from proxy.dialects.models import (
    MAX_REASON,
    error_text,
    items,
    owners,
    positive,
    status_reason,
    usable,
)


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"models":[]}', b'{"data":{}}', b'{"data":"x"}', b"\xff"],
)
def test_what_is_no_list_has_no_entries(body: bytes) -> None:
    assert items(reply(body)) is None
    assert owners(reply(body)) == frozenset()


def test_null_is_an_empty_list_and_an_error_status_none_at_all() -> None:
    assert items(reply(b'{"data":null}')) == ()
    assert items(reply(b'{"data":[]}', 500)) is None


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


def test_a_page_of_a_server_in_front_is_told_by_its_title() -> None:
    page = b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>"

    assert status_reason(reply(page, 400)) == "status 400: No required SSL certificate was sent"
    assert status_reason(reply(b"<TITLE>\xff</TITLE>", 502)) == "status 502: \ufffd"
    assert status_reason(reply(b"<title>503</title>", 503)) == "status 503"
    assert status_reason(reply(b" " * 9999 + page, 400)) == "status 400"


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
