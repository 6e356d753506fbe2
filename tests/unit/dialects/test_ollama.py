"""Ollama's replies here follow its source and documentation; they were not recorded."""

from proxy.dialects.base import Reply
from proxy.dialects.ollama import OLLAMA

MODELS = Reply(
    status=200,
    body=(
        b'{"object":"list","data":[{"id":"llama3.2:3b","object":"model","created":1,'
        b'"owned_by":"library"},{"id":"bob/mine:latest","object":"model","created":2,'
        b'"owned_by":"bob"}]}'
    ),
)
TAGS = Reply(
    status=200,
    body=(
        b'{"models":[{"name":"llama3.2:3b","details":{"context_length":131072}},'
        b'{"name":"bob/mine:latest","details":{"context_length":"much"}},{"name":5},7]}'
    ),
)


def test_the_root_page_says_that_it_runs() -> None:
    root, version = OLLAMA.ready

    assert root.judge(Reply(status=200, body=b"Ollama is running")) == ""
    assert root.judge(Reply(status=200, body=b"{}")) == "the root page is not Ollama's"
    assert root.judge(Reply(status=502)) == "status 502"
    assert version.judge(Reply(status=200, body=b'{"version":"0.33.0-rc2"}')) == ""
    assert version.judge(Reply(status=200, body=b'{"error":"Unexpected endpoint"}')) == "no version"
    assert version.judge(Reply(status=404)) == "status 404"


def test_details_add_the_context_where_they_know_it() -> None:
    assert OLLAMA.details is not None

    models = OLLAMA.details.merge(OLLAMA.read_models(MODELS).models, TAGS)

    assert [(m.id, m.owned_by, m.context_length) for m in models] == [
        ("llama3.2:3b", "library", 131072),
        ("bob/mine:latest", "bob", None),
    ]


def test_details_that_cannot_be_read_leave_the_listing_alone() -> None:
    assert OLLAMA.details is not None
    models = OLLAMA.read_models(MODELS).models

    for bad in (Reply(status=500, body=TAGS.body), Reply(status=200, body=b"[]")):
        assert OLLAMA.details.merge(models, bad) == models


def test_it_manages_no_models_for_clients() -> None:
    assert not any(path.startswith("/api/") for path in OLLAMA.operations)
