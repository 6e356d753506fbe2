"""What the header fields of a request ask of engines and of this proxy, and its scope."""

import pytest

from proxy.core.failure import Kind
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import engine
from proxy.flow.course import Side
from tests.fixtures.ends import ScriptedPool
from tests.fixtures.heads import CHAT, asked, parsed, refused, served


async def test_engines_see_what_is_theirs_and_nothing_that_is_not() -> None:
    request = asked(
        "Content-Type: application/json",
        "X-Mine: 1",
        "Authorization: Bearer secret",
        "Connection: X-Dropped",
        "X-Dropped: 1",
        "X-Request-Id: abc",
        "x-headrace-session: s",
        "x-headrace-nonsense: 1",
    )

    seen = request.way_to(Side(ScriptedPool("a", lambda: 0.0), engine("vllm"))).fields
    assert seen == (b"content-type: application/json\r\nx-mine: 1\r\nvia: 1.1 headrace\r\n")


@pytest.mark.parametrize("name", ["Host", "Content-Length", "transfer-encoding"])
async def test_a_connection_field_must_not_nominate_what_frames_or_routes(name: str) -> None:
    failure = refused(parsed(f"Connection: {name}"))

    assert failure.kind is Kind.BAD_REQUEST
    assert name.lower() in failure.detail


async def test_a_request_id_is_taken_if_it_is_safe() -> None:
    for safe in ("abc-123", "~" * 128):
        assert asked(f"X-Request-Id: {safe}").request_id == safe
    for other in ("~" * 129, "two words", "", "\xe9"):
        assert asked(f"X-Request-Id: {other}").request_id is None


async def test_without_fields_of_ours_nothing_is_asked_of_us() -> None:
    request = asked()

    assert (request.request_id, request.session, request.pin) == (None, None, None)
    assert (request.priority, request.timeout, request.content_type) == (0, 0.0, b"")


@pytest.mark.parametrize("prefix", ["x-headrace-", "X-Headrace-", "X-HEADRACE-"])
async def test_a_session_and_a_backend_are_read_and_bounded(prefix: str) -> None:
    request = asked(f"{prefix}session: chat-7 \xe9 ", f"{prefix}backend: gpu-1")
    assert (request.session, request.pin) == ("chat-7 \xe9", "gpu-1")

    request = asked(f"{prefix}session: {'s' * 300}", f"{prefix}backend: {'b' * 300}")
    assert (request.session, request.pin) == ("s" * 256, "b" * 256)


@pytest.mark.parametrize(
    ("sent", "priority"), [("0", 0), ("7", 7), ("-5", -5), (" 12 ", 12), ("999999", 999999)]
)
async def test_a_priority_is_a_whole_number(sent: str, priority: int) -> None:
    assert asked(f"x-headrace-priority: {sent}").priority == priority


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [("30", 30.0), ("30s", 30.0), ("500ms", 0.5), ("0.25s", 0.25), ("0.125", 0.125), (" 2s ", 2.0),
     ("0", 0.0), ("999999s", 999999.0)],
)  # fmt: skip
async def test_a_timeout_is_a_duration(sent: str, seconds: float) -> None:
    assert asked(f"x-headrace-timeout: {sent}").timeout == seconds


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("priority", "|high|1.5|+1|--1|-|1 2|1234567|1e3|0x1|\xb2"),
        ("timeout", "|soon|1h|-1s|1.2345s|.5s|1.s|1 s|inf|nan|1S|1234567"),
    ],
)
async def test_other_numbers_are_refused(name: str, values: str) -> None:
    for sent in values.split("|"):
        failure = refused(parsed(f"x-headrace-{name}: {sent}"))
        assert failure.kind is Kind.BAD_REQUEST
        assert f"x-headrace-{name} must be" in failure.detail, sent


@pytest.mark.parametrize(("sent", "continues"), [("on", True), (" off ", False)])
async def test_a_stream_may_be_continued_or_not(sent: str, continues: bool) -> None:
    assert asked(f"x-headrace-continue: {sent}").continues is continues


@pytest.mark.parametrize("sent", ["", "yes", "ON", "1"])
async def test_other_words_about_it_are_refused(sent: str) -> None:
    failure = refused(parsed(f"x-headrace-continue: {sent}"))
    assert failure.kind is Kind.BAD_REQUEST
    assert "`on` or `off`" in failure.detail


@pytest.mark.parametrize("sent", ["", "1", "latest", "1999-01-01", "2023-13-01", "2023-06-01x"])
async def test_a_wrong_version_of_anthropics_api_is_refused(sent: str) -> None:
    failure = refused(parsed(f"anthropic-version: {sent}"))
    assert failure.kind is Kind.BAD_REQUEST
    assert "2023-06-01" in failure.detail


@pytest.mark.parametrize("sent", ["2023-06-01", "2027-12-31"])
async def test_versions_of_anthropics_api_are_all_the_same_here(sent: str) -> None:
    assert asked(f"anthropic-version: {sent}")


async def test_fields_of_ours_mean_nothing_to_a_page() -> None:
    fields = ("x-headrace-priority: high", "x-headrace-timeout: soon")

    assert served(parsed(*fields, method="GET", target="/health")).request is None


@pytest.mark.parametrize(
    ("target", "scope", "path"),
    [
        ("/to/gpu-a/v1/chat/completions", "gpu-a", CHAT),
        ("/to/vllm/v1/messages?beta=true", "vllm", "/v1/messages"),
        ("/to/[::1]:8000/v1/embeddings", "[::1]:8000", "/v1/embeddings"),
        ("http://x/to/gpu-a/v1/chat/completions", "gpu-a", CHAT),
        ("/to/g%70u-a/v1/chat/completions", "g%70u-a", CHAT),  # a name nobody has
        ("/to//v1/chat/completions", "", CHAT),
    ],
)
async def test_a_scope_is_cut_off_and_the_rest_judged_as_usual(
    target: str, scope: str, path: str
) -> None:
    head = served(parsed(target=target))

    assert head.path == path
    assert head.operation is OPERATIONS[path]
    assert head.request is not None
    assert (head.request.scope, head.request.pin) == (scope, scope)


async def test_a_header_may_name_a_backend_within_the_scope() -> None:
    head = served(parsed("x-headrace-backend: a", target="/to/vllm" + CHAT))

    assert head.request is not None
    assert (head.request.scope, head.request.pin) == ("vllm", "a")


@pytest.mark.parametrize(
    "target",
    [
        "/TO/a" + CHAT,
        "/to" + CHAT,
        "//to/a" + CHAT,
        "/to/a/" + CHAT,
        "/to/a/.." + CHAT,
        "/to/a/%2e%2e" + CHAT,
        "/to/a%2F" + CHAT.removeprefix("/"),
        "/to/a/to/b" + CHAT,
        "/to/a" + CHAT.upper(),
        "/to/a" + CHAT + "/",
        "/to/a/terminate",
        "/to/a/slots/0?action=erase",
        "/to/a/health/drain",
        "/to/a",
    ],
)
async def test_what_is_no_operation_behind_a_scope_is_none_at_all(target: str) -> None:
    head = served(parsed(target=target))

    assert head.operation is None
    assert head.request is None


@pytest.mark.parametrize(
    ("fields", "threads"),
    [
        (("anthropic-beta: message-threads-2026-08-12",), True),
        (("Anthropic-Beta: a, message-threads-2026-08-12",), True),
        (("anthropic-beta: message-threads-1", "anthropic-beta: other"), True),
        (("anthropic-beta: interleaved-thinking-2025-05-14",), False),
        ((), False),
    ],
)
async def test_who_may_ask_for_threads_says_so(fields: tuple[str, ...], threads: bool) -> None:
    assert asked(*fields).threads is threads
