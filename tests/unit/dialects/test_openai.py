"""The record that takes everything else."""

from proxy.dialects.base import Reply
from proxy.dialects.openai import OPENAI
from proxy.dialects.openai_api import OPERATIONS
from tests.fixtures.detect.replies import recorded


def test_a_readable_list_is_readiness() -> None:
    (probe,) = OPENAI.ready

    assert probe.judge(recorded("litellm-1.106.2")["/v1/models"]) == ""
    assert probe.judge(Reply(status=200, body=b"")) == "not a model list"
    assert (
        probe.judge(recorded("vllm-0.32.0-locked")["/v1/models"]) == "status 401: needs credentials"
    )


def test_it_may_be_asked_whatever_is_inference() -> None:
    assert OPENAI.operations == set(OPERATIONS)


def test_its_streams_must_end_with_their_marker() -> None:
    assert OPENAI.done_required
