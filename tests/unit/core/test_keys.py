"""Keys: made, hashed, presented, recognised."""

from collections.abc import Sequence

import pytest

from proxy.core import keys
from proxy.core.keys import Credential, Key, Ring


def test_a_key_has_all_of_its_random_bits() -> None:
    one, other = keys.made(bytes(32)), keys.made(bytes(31) + b"\x01")

    assert one != other
    assert one.startswith("hr-")
    assert len(one) == 3 + 43


def test_a_hash_is_read_as_it_was_written() -> None:
    digest = keys.digest("hr-x")

    assert keys.read(keys.written(digest)) == digest


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:zz", "sha256:00", "md5:" + "0" * 64])
def test_what_is_no_hash_is_none(text: str) -> None:
    assert keys.read(text) is None


def test_a_ring_knows_every_secret_of_a_key() -> None:
    two = tuple(Credential(digest=keys.digest(one)) for one in ("old", "new"))
    key = Key(name="team", credentials=two)
    ring = Ring([key, Key(name="nobody")])

    assert ring.find(b"old") == (key, two[0])
    assert ring.find(b"new") == (key, two[1])
    assert ring.find(b"") is None
    assert ring.find(b"Old") is None


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        ([], b""),
        ([(b"Authorization", b"Bearer k")], b"k"),
        ([(b"authorization", b"bearer   k ")], b"k"),
        ([(b"Authorization", b"Basic k")], b""),
        ([(b"X-API-Key", b"k")], b"k"),
        ([(b"api-key", b" k ")], b"k"),
        ([(b"x-api-key", b"a"), (b"authorization", b"Bearer b")], b"b"),
        ([(b"x-api-key", b"a"), (b"x-api-key", b"b")], b"a"),
        ([(b"authorization", b"Basic x"), (b"x-api-key", b"a")], b"a"),
        ([(b"sec-websocket-protocol", b"realtime, openai-insecure-api-key.k, x")], b"k"),
        ([(b"sec-websocket-protocol", b"realtime")], b""),
    ],
)
def test_the_secret_is_found_where_clients_put_it(
    fields: Sequence[tuple[bytes, bytes]], secret: bytes
) -> None:
    assert keys.presented(fields) == secret


def test_endless_secrets_are_cut() -> None:
    assert len(keys.presented([(b"x-api-key", b"k" * 10_000)])) == keys.MAX_KEY


def test_models_are_allowed_by_pattern() -> None:
    key = Key(name="team", models=("llama-*", "qwen?"))

    assert [name for name in ("llama-3", "qwen2", "qwen", "gpt") if key.may_use(name)] == [
        "llama-3",
        "qwen2",
    ]
    assert Key(name="all").may_use("anything")
