"""The settings of TLS: what the listeners show, and what is asked of engines.

`seal` is no key: it is made from the files when the settings are read.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from proxy.settings.seals import Seal


class Version(StrEnum):
    """The oldest version of TLS that is spoken."""

    TLS12 = "1.2"
    TLS13 = "1.3"


Made = Annotated[Seal | None, Meta(extra={"unit": "made"})]


class BackendTls(msgspec.Struct, frozen=True, kw_only=True):
    """How an https:// engine is checked, and what it is shown. Files are in PEM."""

    ca: Annotated[
        str | None,
        Meta(
            description="A file with the authorities that may have signed its certificate; null ="
            " those of the system. Read again when it changes, as the files below are.",
            extra={"unit": "path"},
        ),
    ] = None
    certificate: Annotated[
        str | None,
        Meta(
            description="A file with the certificate headrace shows to it (mTLS), with its chain.",
            extra={"unit": "path"},
        ),
    ] = None
    key: Annotated[
        str | None,
        Meta(
            description="A file with the private key of that; null = it is in the same file.",
            extra={"unit": "path"},
        ),
    ] = None
    server_name: Annotated[
        str | None,
        Meta(
            description="The name its certificate must have, also sent as SNI; null = the host of"
            " the URL.",
            extra={"unit": "text"},
        ),
    ] = None
    insecure: Annotated[
        bool,
        Meta(
            description="Take any certificate: what is sent is encrypted, but to anybody who"
            " answers. For tests only."
        ),
    ] = False
    seal: Made = None


class ListenerTls(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener shows and asks of who connects. Files are in PEM."""

    certificate: Annotated[
        str | None,
        Meta(
            description="A file with the certificate and its chain; null = no TLS. Read again when"
            " it changes, as the files below are: who is connected stays so.",
            extra={"unit": "path"},
        ),
    ] = None
    key: Annotated[
        str | None,
        Meta(
            description="A file with the private key; null = it is in the same file.",
            extra={"unit": "path"},
        ),
    ] = None
    client_ca: Annotated[
        str | None,
        Meta(
            description="A file with authorities: who connects must show a certificate that one of"
            " them has signed (mTLS).",
            extra={"unit": "path"},
        ),
    ] = None
    minimum: Annotated[Version, Meta(description="The oldest version of TLS that is spoken.")] = (
        Version.TLS12
    )
    seal: Made = None


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """TLS on our own listeners; what engines are met with stands at each backend."""

    listen: Annotated[ListenerTls, Meta(description="TLS towards clients.")] = ListenerTls()
    admin: Annotated[ListenerTls, Meta(description="TLS on the admin address.")] = ListenerTls()
