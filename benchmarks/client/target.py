"""The endpoint a block of load is sent to: address, API, credentials, where stamps are found."""

import ssl
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override


class EndpointError(Exception):
    """An endpoint that cannot be measured; the message is a sentence that says why."""


class Api(StrEnum):
    """What the client speaks."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    OLLAMA = "ollama"


class Stamp(StrEnum):
    """Where a simulated engine says when it wrote each token."""

    NONE = "none"
    FIELD = "field"
    """`stamp_ns`, `token` and once `taken_ns` as top-level fields of the events."""
    CONTENT = "content"
    """`~i:N~` before an event's text, `~0:N:TAKEN~` before the first."""
    SIDELOG = "sidelog"
    """Not in the answer: the engine is asked afterwards, by the `bench-tag:HEX` in the prompt."""


PATHS = {
    Api.CHAT: "/v1/chat/completions",
    Api.COMPLETIONS: "/v1/completions",
    Api.RESPONSES: "/v1/responses",
    Api.MESSAGES: "/v1/messages",
    Api.OLLAMA: "/api/chat",
}


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect and what to ask for. `host` has no brackets, `base` no slash at its end."""

    host: str
    port: int
    tls: bool
    base: str = ""

    @property
    def authority(self) -> str:
        """The value of the Host field."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


def address(url: str) -> Address:
    """Take a base URL apart; what follows host and port is kept as `base`.

    Raises EndpointError for anything but http and https with a host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise EndpointError(f"{url!r} is not a URL: {problem}.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EndpointError(f"{url!r} is not the URL of an endpoint: write http://HOST:PORT.")
    if parts.query or parts.fragment or parts.username:
        raise EndpointError(f"{url!r}: only host, port and path may stand in an endpoint's URL.")
    tls = parts.scheme == "https"
    return Address(
        host=parts.hostname,
        port=port or (443 if tls else 80),
        tls=tls,
        base=parts.path.rstrip("/"),
    )


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and how it is asked. Its URL may end with `/v1` or with the API's whole path."""

    name: str
    url: str
    model: str = ""
    api: Api = Api.CHAT
    stream: bool = True
    stamp: Stamp = Stamp.NONE
    headers: tuple[tuple[str, str], ...] = ()
    """Sent besides the usual ones; one of the same name takes its place."""
    api_key: str = ""
    insecure: bool = False
    """Take any TLS certificate."""
    ignore_eos: bool = True
    """Ask for exactly the planned number of tokens (`ignore_eos` of vLLM, SGLang and llama.cpp, in
    chat and completions). Endpoints that refuse unknown fields need it off."""
    engines: tuple[str, ...] = ()
    """Base URLs to ask for side logs; none: the target itself."""

    @override
    def __repr__(self) -> str:
        """Name the target; leave the key out."""
        return f"Target({self.name!r}, {self.url!r}, {self.api}, stamp={self.stamp})"

    def address(self) -> Address:
        """Take the URL apart. Raises EndpointError."""
        return address(self.url)

    def path(self) -> str:
        """Return the path requests are posted to. Raises EndpointError."""
        return self._joined(PATHS[self.api])

    def models_path(self) -> str:
        """Return the path that lists the models. Raises EndpointError."""
        return self._joined("/api/tags" if self.api is Api.OLLAMA else "/v1/models")

    def tls(self) -> ssl.SSLContext | None:
        """Return what connections are secured with; None for plain http. Raises EndpointError."""
        if not self.address().tls:
            return None
        context = ssl.create_default_context()
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _joined(self, path: str) -> str:
        base = self.address().base.removesuffix(PATHS[self.api])
        version = path[: path.index("/", 1)]
        return base.removesuffix(version) + path
