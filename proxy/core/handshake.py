"""What a failed TLS handshake with an engine means, in words that say what to do.

Codes are those of OpenSSL's certificate check, reasons its names for what went wrong.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_UNKNOWN: Final = (
    "its certificate is signed by an authority that is not known here: name that in tls.ca"
)
_OTHER: Final = "its certificate is for another name: give one it has in tls.server_name"
_VERDICTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        9: "its certificate is not valid yet: compare the clocks of both machines",
        10: "its certificate has expired: it must be renewed there",
        18: "its certificate is signed by itself: name it in tls.ca",
        19: _UNKNOWN,
        20: _UNKNOWN,
        21: _UNKNOWN,
        62: _OTHER,
        64: _OTHER,
    }
)
_REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WRONG_VERSION_NUMBER": "it does not speak TLS at this port: is its URL http:// ?",
        "HTTP_REQUEST": "it does not speak TLS at this port: is its URL http:// ?",
        "UNSUPPORTED_PROTOCOL": "it speaks only versions of TLS before 1.2",
        "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no version of TLS that is spoken here",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a certificate: give one in"
        " tls.certificate",
        "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refused the handshake: it may ask for a certificate,"
        " which tls.certificate gives",
        "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of the certificate in"
        " tls.certificate",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says the certificate in tls.certificate has expired",
        "TLSV1_UNRECOGNIZED_NAME": "it does not know the name it is asked for: give one in"
        " tls.server_name",
    }
)


def judged(code: int, message: str) -> str:
    """Return why a certificate was not taken; `message` is OpenSSL's own."""
    return _VERDICTS.get(code) or f"its certificate cannot be trusted ({message.rstrip('.')})"


def refused(reason: str) -> str:
    """Return why there was no handshake."""
    return _REFUSALS.get(reason) or f"the TLS handshake failed ({reason or 'without a reason'})"
