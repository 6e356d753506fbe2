"""Course: what calls share is made once and kept in bounds."""

from proxy.core.backend import Backend
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.registry import engine
from proxy.flow.course import Estimator, Request, Side
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import ScriptedPool


def test_a_request_s_fields_are_rendered_once_per_engine_without_what_it_must_not_see() -> None:
    fields = [(b"content-type", b"application/json"), (b"x-vllm-priority", b"0"), (b"x-b", b"1")]
    request = Request(OPERATIONS["/v1/chat/completions"], fields)

    side = Side(ScriptedPool("a", lambda: 0.0), engine("vllm"))
    seen = request.way_to(side)

    assert seen.fields == b"content-type: application/json\r\nx-b: 1\r\n"
    assert request.ways[side.mark] is seen
    side.recognised(engine("openai"))
    assert side.mark not in request.ways
    assert b"x-vllm-priority" in request.way_to(side).fields
    assert seen.line == b"POST /v1/chat/completions HTTP/1.1\r\n"


def test_a_copy_with_other_fields_keeps_what_the_edge_found() -> None:
    request = Request(OPERATIONS["/v1/chat/completions"], [(b"x-a", b"1")])
    request.session, request.pin, request.timeout, request.priority = "s", "b", 3.0, -1
    request.query, request.threads = "api-version=1", True
    side = Side(ScriptedPool("a", lambda: 0.0), engine("vllm"))
    before = request.way_to(side)

    other = request.with_fields([(b"x-a", b"2")])

    assert other.way_to(side).fields == b"x-a: 2\r\n"
    assert request.ways[side.mark] is before
    assert before.fields == b"x-a: 1\r\n"
    assert before.line == other.way_to(side).line
    assert before.line == b"POST /v1/chat/completions?api-version=1 HTTP/1.1\r\n"
    assert (other.session, other.pin, other.timeout, other.priority) == ("s", "b", 3.0, -1)
    assert other.threads
    assert other.operation is request.operation


def test_the_expected_output_follows_what_answers_turned_out_to_be() -> None:
    estimator = Estimator()
    assert estimator.expected("m", None) == Estimator.START

    estimator.learn("m", 100)
    assert estimator.expected("m", None) == 100.0
    for _ in range(50):
        estimator.learn("m", 20)

    assert 20 <= estimator.expected("m", None) < 25
    assert estimator.expected("other", None) == Estimator.START


def test_a_request_s_own_limit_bounds_the_expectation() -> None:
    estimator = Estimator()

    assert estimator.expected("m", 4) == 4.0
    assert estimator.expected("m", 0) == 0.0
    assert estimator.expected("m", 1e30) == Estimator.START


def test_a_model_has_one_budget() -> None:
    course = World("a").course

    assert course.budget_of("m") is course.budget_of("m")
    assert course.budget_of("m") is not course.budget_of("n")


def test_timeouts_are_merged_once_for_a_model_on_a_backend() -> None:
    world = World("ab")
    asked: list[tuple[str, str]] = []

    def merge(model: str, backend: Backend) -> Timeouts:
        asked.append((model, backend.name))
        return Timeouts()

    world.course._timeouts_for = merge
    a, b = world.backends.values()
    for backend in (a, a, b, a):
        world.course.timeouts_of("m", backend)
    assert asked == [("m", "a"), ("m", "b")]

    for number in range(5000):
        world.course.timeouts_of(f"m{number}", a)
    assert len(world.course._merged) <= 4096
