"""The admin address of a running proxy, with what it takes to be let in there.

From the settings come the token and the listener's own certificate, which is all that is trusted
then: it may be for any name, since it is met at an address of this machine. Where only an address
is given, the token comes from the environment and authorities are the system's, or those that
`SSL_CERT_FILE` names.
"""

import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from proxy.settings import address
from proxy.settings.address import Address

if TYPE_CHECKING:
    from proxy.settings.schema import Settings

TOKEN: Final = "HEADRACE_ADMIN_TOKEN"


class Entry(Address, frozen=True, kw_only=True):
    """An admin address. `trusted` is the one certificate it may show; empty: any known one."""

    token: str = ""
    trusted: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Return the header fields for each request."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def context(self) -> ssl.SSLContext:
        """Return what to meet it with; call it for one that is `secure`."""
        context = ssl.create_default_context(cadata=self.trusted or None)
        if self.trusted:
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


def configured(settings: "Settings") -> Entry:
    """Return the admin address of a proxy with these settings."""
    there, seal, token = settings.admin, settings.tls.admin.seal, settings.admin_token
    return Entry(
        host=there.host,
        port=there.port,
        path=there.path,
        secure=seal is not None,
        token=token.reveal() if token is not None else "",
        trusted=seal.shown if seal is not None else "",
    )


def named(text: str, env: Mapping[str, str] = os.environ) -> Entry:
    """Read an admin address from the command line; ValueError says what is wrong with it."""
    plain = text.removeprefix("https://")
    there = address.listening(plain.removeprefix("http://").rstrip("/"))
    return Entry(
        host=there.host,
        port=there.port,
        path=there.path,
        secure=plain != text,
        token=env.get(TOKEN, ""),
    )
