"""Whatever bytes a decoder is given, what it raises has a name here."""

import msgspec
import pytest

from proxy.core.decoding import DECODE_ERRORS


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":"\xff"}', b"1", b"[" * 100_000])
def test_what_is_not_the_json_asked_for_can_be_caught(data: bytes) -> None:
    with pytest.raises(DECODE_ERRORS):
        msgspec.json.decode(data, type=dict[str, str])


def test_so_can_what_a_raw_value_turns_out_to_be() -> None:
    found = msgspec.json.decode(b'{"a":"\xff"}', type=dict[str, msgspec.Raw])

    with pytest.raises(DECODE_ERRORS):
        bytes(found["a"]).decode()
