"""The bytes of requests."""

import json

from benchmarks.driver.workload import chat, prompt


def test_a_prompt_has_the_stated_size() -> None:
    assert len(prompt(100)) == 100
    assert len(prompt(100_000)) == 100_000


def test_a_request_is_framed_by_its_length() -> None:
    head, _, body = chat(8900, "Hello", tokens=3, stream=True).partition(b"\r\n\r\n")

    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8900\r\n")
    assert b"Content-Length: %d" % len(body) in head
    document = json.loads(body)
    assert (document["max_tokens"], document["stream"]) == (3, True)


def test_further_headers_stand_in_the_head() -> None:
    request = chat(1, "Hello", tokens=1, headers={"X-Request-Id": "abc"})

    assert b"\r\nX-Request-Id: abc\r\n" in request
    assert b'"stream"' not in request
