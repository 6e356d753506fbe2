"""Nothing an engine answers, and nothing a user writes, makes the readers of profiles raise."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.names import alike, parsed
from proxy.dialects import flaws
from proxy.dialects.base import Engine, Reply
from proxy.dialects.detect import Finding, steps
from proxy.dialects.registry import ENGINES

KEYS = st.sampled_from(
    [
        "data",
        "models",
        "id",
        "name",
        "owned_by",
        "loads",
        "status",
        "root",
        "parent",
        "details",
        "aliases",
        "meta",
        "n_ctx",
        "capabilities",
        "num_running_reqs",
        "digest",
        "created",
    ]
)
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=8)
)
JSON = st.recursive(
    ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
BODIES = st.one_of(
    JSON.map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)),
    st.binary(max_size=64),
    st.sampled_from([b"vllm:num_requests_running{} 1e999\n", b"tgi_queue_size \n", b"NaN"]),
)
REPLIES = st.builds(
    lambda status, headers, body: Reply(status=status, headers=headers, body=body),
    st.sampled_from([200, 200, 200, 401, 404, 500, 503]),
    st.dictionaries(st.sampled_from(["server", "x-powered-by", "x-request-id"]), st.text()),
    BODIES,
)
RECORDS = st.sampled_from(list(ENGINES.values()))
REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED, origin=Origin.BACKEND, phase=Phase.CONNECT, detail="refused"
)


@given(record=RECORDS, reply=REPLIES)
def test_a_record_reads_any_reply(record: Engine, reply: Reply) -> None:
    listing = record.read_models(reply)
    models = listing.models
    for part in record.details:
        models = part.merge(models, reply)

    assert len({model.id for model in models}) == len(models)
    assert all(model.context_length is None or model.context_length > 0 for model in models)
    for probe in record.ready:
        assert isinstance(probe.judge(reply), str)
    for gauge in record.load:
        said = gauge.read(reply)
        assert said is None or (said.requests or 0) >= 0
    if record.capacity is not None:
        told = record.capacity.read(reply)
        assert told is None or told >= 1
    record.condition(reply.status, reply.body)


@given(replies=st.lists(st.one_of(REPLIES, st.just(REFUSED)), min_size=1, max_size=12))
def test_a_detection_ends_whatever_is_answered(replies: list[Reply | Failure]) -> None:
    dialogue = steps(ENGINES.values())
    asked = [next(dialogue)]
    found: Finding | None = None
    while found is None:
        try:
            asked.append(dialogue.send(replies[(len(asked) - 1) % len(replies)]))
        except StopIteration as end:
            found = end.value

    assert (found.engine is None) == bool(found.reason)
    assert len(asked) == len(set(asked))


WRITTEN = st.recursive(
    st.one_of(ATOMS, st.sampled_from(["mine", "/up", "/terminate", "gpu", "^("])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        "profile",
                        "schema",
                        "title",
                        "ready",
                        "probes",
                        "get",
                        "expect",
                        "equal",
                        "operations",
                        "identity",
                        "claims",
                        "confirm",
                        "models",
                        "fields",
                        "load",
                    ]
                ),
                st.text(max_size=4),
                st.integers(),
                st.none(),
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=30,
)


@given(document=WRITTEN)
def test_any_document_is_a_profile_or_has_flaws_with_a_place(document: Any) -> None:
    profile, found = flaws.read(document)

    assert (profile is None) == bool(found)
    assert all(flaw.found and not flaw.path.startswith(".") for flaw in found)


@given(names=st.lists(st.text(max_size=30), max_size=8))
def test_any_text_can_be_taken_apart(names: list[str]) -> None:
    for name in names:
        parsed(name)
    for group in alike(names):
        assert len(group.names) > 1
        assert set(group.names) <= set(names)
