"""TLS contexts made from files, with messages that say what is wrong with a certificate.

All files are read and judged when the settings are: a certificate that is expired, unreadable or
does not go with its key is a problem like any other, at the start and at a reload. What comes out
is a `Seal`; two seals from the same bytes are equal, so a reload sees whether anything changed.
"""

import hashlib
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from typing_extensions import override

MAX_FILE: Final = 1 << 20
ALPN: Final = ["http/1.1"]
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE_END: Final = "-----END CERTIFICATE-----"
_MISMATCH: Final = "KEY_VALUES_MISMATCH"
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17


class Seal:
    """A context for handshakes. It never shows what it was made from.

    `server_name` is for SNI; `ends` is when our certificate does. `shown` is the chain that a
    listener shows, in PEM.
    """

    __slots__ = ("_digest", "context", "ends", "server_name", "shown")

    def __init__(
        self,
        context: ssl.SSLContext,
        digest: bytes = b"",
        *,
        server_name: str | None = None,
        ends: float | None = None,
        shown: str = "",
    ) -> None:
        self.context = context
        self._digest = digest
        self.server_name = server_name
        self.ends = ends
        self.shown = shown

    @override
    def __eq__(self, other: object) -> bool:
        """Compare by what they were made from."""
        return isinstance(other, Seal) and other._digest == self._digest

    @override
    def __hash__(self) -> int:
        return hash(self._digest)

    @override
    def __repr__(self) -> str:
        return f"<Seal {self._digest.hex()[:8]}>"


class Unusable(ValueError):  # noqa: N818 - says what the file is
    """A file cannot be used; `key` is the setting that names it, the text says why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


def toward_engine(
    *,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    server_name: str | None = None,
    insecure: bool = False,
) -> Seal:
    """Return what an engine is met with; raises `Unusable`."""
    digest = hashlib.sha256(repr((server_name, insecure)).encode())
    trusted = _read(ca, "ca") if ca is not None else ""
    digest.update(b"ca" + trusted.encode())
    if ca is not None:
        _certificates(ca, trusted, "ca")
    # Without authorities of its own it takes the system's, which costs 10 ms and some memory.
    context = ssl.create_default_context(cadata=trusted or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(ALPN)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    ends = None
    if certificate is not None:
        ends = _show(context, certificate, key, digest)
    return Seal(context, digest.digest(), server_name=server_name, ends=ends)


@cache
def by_default() -> Seal:
    """Return what an engine is met with of which nothing is set: the system's authorities."""
    return toward_engine()


def toward_client(
    *, certificate: Path, key: Path | None, client_ca: Path | None, minimum: str
) -> Seal:
    """Return what a listener shows its clients, and asks of them; raises `Unusable`."""
    digest = hashlib.sha256(minimum.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[minimum]
    context.set_alpn_protocols(ALPN)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    ends = _show(context, certificate, key, digest)
    if client_ca is not None:
        trusted = _read(client_ca, "client_ca")
        _certificates(client_ca, trusted, "client_ca")
        digest.update(b"client_ca" + trusted.encode())
        context.load_verify_locations(cadata=trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    shown = "\n".join(_blocks(_read(certificate, "certificate")))
    return Seal(context, digest.digest(), ends=ends, shown=shown)


def _show(
    context: ssl.SSLContext, certificate: Path, key: Path | None, digest: "hashlib._Hash"
) -> float:
    """Let a context show a certificate; return when that ends. The digest takes in both files."""
    chain = _read(certificate, "certificate")
    ends = _in_force(certificate, _certificates(certificate, chain, "certificate"))
    private = _read(key, "key") if key is not None else chain
    where = "key" if key is not None else "certificate"
    if "PRIVATE KEY-----" not in private:
        raise Unusable(where, f"{key or certificate} holds no private key in PEM")
    digest.update(b"chain" + chain.encode() + b"key" + private.encode())

    def no_password() -> str:
        why = f"the private key in {key or certificate} is encrypted: store it decrypted"
        raise Unusable(where, why)

    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if error.reason == _MISMATCH:
            why = f"the private key does not belong to the first certificate in {certificate}"
            raise Unusable(where, why) from None
        reason = error.reason or "not in order"
        raise Unusable(where, f"{certificate} and its key cannot be used: {reason}") from None
    except OSError as error:  # it has gone since it was read
        raise Unusable(where, f"{certificate} cannot be read: {error.strerror}") from None
    return ends


def _read(path: Path, key: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise Unusable(key, f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise Unusable(key, f"{path} is larger than 1 MiB")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        why = f"{path} is not in PEM, which is text that begins with -----BEGIN"
        raise Unusable(key, why) from None


def _certificates(path: Path, text: str, key: str) -> list[bytes]:
    """Return the certificates in `text`, in DER; there must be one."""
    try:
        found = [ssl.PEM_cert_to_DER_cert(block) for block in _blocks(text)]
    except ValueError:
        raise Unusable(key, f"a certificate in {path} is damaged") from None
    if not found:
        raise Unusable(key, f"{path} holds no certificate in PEM")
    return found


def _blocks(text: str) -> Iterator[str]:
    at = text.find(_CERTIFICATE)
    while at >= 0:
        end = text.find(_CERTIFICATE_END, at)
        if end < 0:
            raise ValueError
        end += len(_CERTIFICATE_END)
        yield text[at:end]
        at = text.find(_CERTIFICATE, end)


def _in_force(path: Path, chain: list[bytes]) -> float:
    """Return when the first certificate ends, if it is in force now."""
    try:
        begins, ends = validity(chain[0])
    except (ValueError, IndexError):
        raise Unusable("certificate", f"the first certificate in {path} is damaged") from None
    now = time.time()
    if ends < now:
        why = f"the certificate in {path} expired on {_day(ends)}: renew it"
        raise Unusable("certificate", why)
    if begins > now:
        why = f"the certificate in {path} is valid only from {_day(begins)} on: look at the clock"
        raise Unusable("certificate", why)
    return ends


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


def validity(der: bytes) -> tuple[float, float]:
    """Return from when to when a certificate holds, in Unix time; ValueError if it is none.

    The standard library tells the dates of a peer's certificate, but not of one's own.
    """
    _, certificate, _ = _element(der)
    _, rest, _ = _element(certificate)
    tag, _, after = _element(rest)
    if tag == _VERSION:
        rest = after
    for _ in ("serial number", "signature", "issuer"):
        rest = _element(rest)[2]
    tag, dates, _ = _element(rest)
    if tag != _SEQUENCE:
        raise ValueError("not a certificate")
    first, begins, rest = _element(dates)
    second, ends, _ = _element(rest)
    return _moment(first, begins), _moment(second, ends)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag and content of the first element of DER, and what follows it."""
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    end = start + length
    if end > len(data):
        raise ValueError("cut off")
    return data[0], data[start:end], data[end:]


def _moment(tag: int, text: bytes) -> float:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, 50 to 99 meaning 19xx: RFC 5280, 4.1.2.5.1
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
