"""Which paths pass through, and how little it takes for one not to."""

import pytest

from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.passages import PASSAGES, find
from proxy.dialects.profile import Surface
from proxy.dialects.registry import ENGINES

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("path", "surface"),
    [
        ("/v1/files", Surface.FILES),
        ("/v1/files/file-abc_1.2", Surface.FILES),
        ("/v1/files/f/content", Surface.FILES),
        ("/v1/batches/batch_1/cancel", Surface.BATCHES),
        ("/v1/responses/resp_1/input_items", Surface.RESPONSES),
        ("/v1/realtime", Surface.REALTIME),
        ("/api/pull", Surface.OLLAMA_ADMIN),
        ("/api/blobs/" + DIGEST, Surface.OLLAMA_ADMIN),
        ("/api/blobs/" + DIGEST.replace(":", "-"), Surface.OLLAMA_ADMIN),
    ],
)
def test_a_path_is_found(path: str, surface: Surface) -> None:
    found = find(path)

    assert found is not None
    assert found.surface is surface
    assert found.dialect == ("ollama" if path.startswith("/api/") else "openai")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/",
        "/v1/files/..",
        "/v1/files/.",
        "/v1/files/../batches",
        "/v1/files/a/../b",
        "/v1/files/a%2Fb",
        "/v1/files/%2e%2e",
        "/v1/files//content",
        "/v1/files/a/content/",
        "/v1/files/" + "a" * 201,
        "/v1/Files",
        "//v1/files",
        "/v1/files\n",
        "/v1/batches/a/terminate",
        "/v1/responses",
        "/v1/realtime/sessions",
        "/api/blobs/sha256:" + "0F" * 32,
        "/api/blobs/" + DIGEST + "0",
        "/api/blobs/../pull",
        "/api/ps",
        "/terminate",
    ],
)
def test_anything_else_is_not(path: str) -> None:
    assert find(path) is None


def test_operations_are_none_of_them_and_only_blobs_are_boundless() -> None:
    assert not [path for path in OPERATIONS if (p := find(path)) and "POST" in p.methods]
    assert {p.path for p in PASSAGES if p.boundless} == {"/api/blobs/{digest}"}
    assert {p.path for p in PASSAGES if p.upgrade} == {"/v1/realtime"}
    assert find("/api/pull").name == "ollama admin"  # type: ignore[union-attr] # it is there


def test_every_group_has_an_engine_and_most_engines_have_none() -> None:
    kinds = {kind.name: kind.profile.passes for kind in ENGINES.values()}

    assert {surface for passes in kinds.values() for surface in passes} == set(Surface)
    assert kinds["ollama"] == (Surface.OLLAMA_ADMIN,)
    assert not kinds["llamacpp"]
