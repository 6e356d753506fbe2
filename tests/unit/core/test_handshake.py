"""Each failed handshake is told in words that say what to do."""

import pytest

from proxy.core import handshake


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (10, "has expired"),
        (9, "not valid yet"),
        (18, "signed by itself: name it in tls.ca"),
        (19, "name that in tls.ca"),
        (20, "name that in tls.ca"),
        (62, "tls.server_name"),
        (64, "tls.server_name"),
        (26, "cannot be trusted (unsuitable certificate purpose)"),
    ],
)
def test_a_certificate_is_judged_in_words(code: int, says: str) -> None:
    assert says in handshake.judged(code, "unsuitable certificate purpose.")


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("WRONG_VERSION_NUMBER", "does not speak TLS"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls.certificate"),
        ("SOMETHING_NEW", "failed (SOMETHING_NEW)"),
        ("", "without a reason"),
    ],
)
def test_a_refused_handshake_is_told_in_words(reason: str, says: str) -> None:
    assert says in handshake.refused(reason)
