"""The dialogues of the records, held with an engine."""

from proxy.core.failure import Failure
from proxy.dialects.base import Reply
from proxy.dialects.registry import ENGINES
from proxy.discovery.asking import Readiness, Serving, identify, readiness, serving
from tests.unit.discovery.fakes import (
    NOWHERE,
    TIMEOUT,
    Answers,
    FakeFetch,
    backend,
    listing,
    llamacpp,
    vllm,
)

HERE = backend()
VLLM, LLAMACPP, OLLAMA = ENGINES["vllm"], ENGINES["llamacpp"], ENGINES["ollama"]


def answering(answers: Answers) -> FakeFetch:
    return FakeFetch({HERE.url: answers})


async def served(answers: Answers) -> Serving:
    found = await serving(answering(answers), HERE, LLAMACPP, 2.0)
    assert isinstance(found, Serving)
    return found


async def test_an_engine_is_identified() -> None:
    finding = await identify(answering(vllm("a")), HERE, ENGINES.values(), 2.0)

    assert finding.engine is VLLM


async def test_nobody_there_is_a_reason() -> None:
    finding = await identify(FakeFetch(), HERE, ENGINES.values(), 2.0)

    assert finding.engine is None
    assert finding.reason == "refused"


async def test_ready_is_asked_on_one_path() -> None:
    fetch = answering(vllm("a"))

    assert await readiness(fetch, HERE, VLLM, 2.0) == Readiness()
    assert fetch.asked == ["/health"]


async def test_the_second_question_is_asked_only_if_the_first_path_does_not_exist() -> None:
    version = Reply(status=200, body=b'{"version":"0.33.0"}')
    hidden = answering({"/api/version": version})
    wrong = answering({"/": Reply(status=200, body=b"hello"), "/api/version": version})

    assert await readiness(hidden, HERE, OLLAMA, 2.0) == Readiness()
    assert (await readiness(wrong, HERE, OLLAMA, 2.0)).reason == "the root page is not Ollama's"
    assert wrong.asked == ["/"]


async def test_an_engine_without_its_own_paths_may_be_another() -> None:
    found = await readiness(answering({"/x": NOWHERE}), HERE, VLLM, 2.0)

    assert found.reason == "status 404: Not Found"
    assert found.doubtful


async def test_a_refusal_casts_doubt_and_slowness_does_not() -> None:
    assert (await readiness(FakeFetch(), HERE, VLLM, 2.0)).doubtful
    assert not (await readiness(answering({"/health": TIMEOUT}), HERE, VLLM, 2.0)).doubtful
    loading = answering({"/health": Reply(status=503)})
    assert not (await readiness(loading, HERE, VLLM, 2.0)).doubtful


async def test_models_and_capacity_are_read() -> None:
    found = await served(llamacpp("a", "b", slots=4))

    assert [model.id for model in found.listing.models] == ["a", "b"]
    assert found.capacity == 4


async def test_only_the_list_itself_must_succeed() -> None:
    found = await served({**llamacpp("a"), "/props": TIMEOUT})

    assert [model.id for model in found.listing.models] == ["a"]
    assert found.capacity is None
    silent = await serving(answering({"/v1/models": TIMEOUT}), HERE, LLAMACPP, 2.0)
    assert isinstance(silent, Failure)


async def test_details_are_asked_only_about_models_there_are() -> None:
    tags = Reply(status=200, body=b'{"models":[{"name":"a:1","details":{"context_length":9}}]}')
    some = answering({"/v1/models": listing("a:1", owner="library"), "/api/tags": tags})
    none = answering({"/v1/models": listing()})

    found = await serving(some, HERE, OLLAMA, 2.0)
    await serving(none, HERE, OLLAMA, 2.0)

    assert isinstance(found, Serving)
    assert found.listing.models[0].context_length == 9
    assert none.asked == ["/v1/models"]
