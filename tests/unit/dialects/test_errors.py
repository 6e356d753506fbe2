"""Failures in the words of the clients."""

import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.dialects.errors import (
    MAX_NAMES,
    anthropic_type,
    fits,
    hint_for,
    openai_type,
    status_of,
    unknown_model_hint,
)


def failure(kind: Kind, status: int | None = None) -> Failure:
    return Failure(
        kind=kind, origin=Origin.BACKEND, phase=Phase.WAIT, detail="it broke", status=status
    )


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_status_and_advice(kind: Kind) -> None:
    assert 400 <= status_of(failure(kind)) <= 599
    assert hint_for(failure(kind)).endswith(".")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.BAD_JSON, 400),
        (Kind.UNKNOWN_MODEL, 404),
        (Kind.TOO_LARGE, 413),
        (Kind.QUEUE_FULL, 503),
        (Kind.CONNECT_REFUSED, 502),
        (Kind.FIRST_TOKEN_TIMEOUT, 504),
    ],
)
def test_statuses_say_whose_turn_it_is(kind: Kind, status: int) -> None:
    assert status_of(failure(kind)) == status


@pytest.mark.parametrize(("theirs", "ours"), [(429, 429), (400, 400), (200, 502), (999, 502)])
def test_an_engines_error_status_is_passed_on_and_nothing_else(theirs: int, ours: int) -> None:
    assert status_of(failure(Kind.STATUS, theirs)) == ours


@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (404, "invalid_request_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (503, "server_error", "overloaded_error"),
    ],
)
def test_types_are_words_the_clients_libraries_know(
    status: int, openai: str, anthropic: str
) -> None:
    assert openai_type(status) == openai
    assert anthropic_type(status) == anthropic


def test_the_nearest_names_come_first() -> None:
    names = ["llama-3.1-70b", "llama-3.1-8b", "qwen2.5-72b"]

    assert unknown_model_hint("llama-3.1-70", names) == (
        "Models here: llama-3.1-70b, llama-3.1-8b, qwen2.5-72b."
    )


def test_only_so_many_names_are_shown_and_the_rest_counted() -> None:
    names = [f"model-{n:03}" for n in range(100)]

    hint = unknown_model_hint("model-099", names)

    assert hint.startswith("Models here: model-099, ")
    assert hint.endswith(f" and {100 - MAX_NAMES} more: GET /v1/models.")
    assert hint.count("model-") == MAX_NAMES


def test_no_models_at_all_is_another_story() -> None:
    assert unknown_model_hint("x", []) == "No backend lists a model yet; /status says why."


def test_the_work_is_bounded_however_large_the_input() -> None:
    many = [f"m{n:05}" + "x" * 500 for n in range(4096)]

    assert unknown_model_hint("x" * 5_000_000, ["a", "b"]) == "Models here: a, b."
    assert unknown_model_hint("", ["a", "b"]) == "Models here: a, b."
    assert unknown_model_hint("m04000", many).endswith("and 4076 more: GET /v1/models.")


def test_case_does_not_hide_likeness() -> None:
    assert unknown_model_hint("LLAMA-3", ["aaa", "llama-3"]) == "Models here: llama-3, aaa."


@pytest.mark.parametrize(
    ("surface", "body", "fit"),
    [
        ("openai", b'{"error":{"message":"x"}}', True),
        ("openai", b'{"error":"x"}', False),
        ("anthropic", b'{"type":"error","error":{"message":"x"}}', True),
        ("anthropic", b'{"error":{"message":"x"}}', False),
        ("ollama", b'{"error":"x"}', True),
        ("ollama", b'{"error":{"message":"x"}}', False),
        ("ollama", b"[1]", False),
        ("anthropic", b"<html>", False),
    ],
)
def test_the_shape_of_an_error_is_known(surface: str, body: bytes, fit: bool) -> None:
    assert fits(surface, body) is fit
