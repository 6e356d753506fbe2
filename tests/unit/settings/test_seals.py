"""Seals: what is wrong with a file is said, and equal files make equal seals."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.settings.seals import Seal, Unusable, by_default, toward_client, toward_engine, validity
from tests.fixtures.sealed import Papers

KEY = "-----BEGIN EC PRIVATE KEY"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


def listener(certificate: Path, key: Path | None = None, client_ca: Path | None = None) -> Seal:
    return toward_client(certificate=certificate, key=key, client_ca=client_ca, minimum="1.2")


def test_the_end_of_a_certificate_is_read_as_others_read_it(papers: Papers) -> None:
    certificate = papers.issue("good.pem")
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    begins, ends = known.not_valid_before_utc.timestamp(), known.not_valid_after_utc.timestamp()

    assert listener(certificate).ends == ends
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text().partition(KEY)[0].partition("\n\n")[0])
    assert validity(der) == (begins, ends)


def test_a_date_far_ahead_is_read_too(papers: Papers) -> None:
    far = papers.issue("far.pem", ends=365.0 * 60)

    ends = listener(far).ends

    assert ends is not None
    assert datetime.fromtimestamp(ends, UTC).year > 2050


@pytest.mark.parametrize("junk", [b"", b"\x30", b"\x30\x82\xff\xff", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_certificate_has_no_end(junk: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        validity(junk)


def test_a_listener_speaks_no_version_below_the_lowest(papers: Papers) -> None:
    made = toward_client(
        certificate=papers.issue("good.pem"), key=None, client_ca=None, minimum="1.3"
    )

    assert made.context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert made.context.verify_mode is ssl.CERT_NONE
    with_ca = listener(papers.issue("good.pem"), client_ca=papers.ca)
    assert with_ca.context.verify_mode is ssl.CERT_REQUIRED
    assert with_ca.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_equal_files_make_equal_seals(papers: Papers) -> None:
    certificate, other = papers.issue("good.pem"), papers.issue("other.pem")

    assert listener(certificate) == listener(certificate)
    assert hash(listener(certificate)) == hash(listener(certificate))
    assert listener(certificate) != listener(other)
    assert toward_engine(ca=papers.ca) != by_default()
    assert toward_engine(server_name="x") != by_default()
    assert "PRIVATE" not in repr(listener(certificate))


def test_an_engine_is_checked_unless_that_is_switched_off() -> None:
    assert by_default().context.verify_mode is ssl.CERT_REQUIRED
    assert by_default().context.check_hostname
    assert toward_engine(insecure=True).context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("fault", "key", "says"),
    [
        ("missing", "certificate", "No such file"),
        ("expired", "certificate", "expired on"),
        ("future", "certificate", "valid only from"),
        ("keyless", "certificate", "holds no private key"),
        ("foreign key", "key", "does not belong to the first certificate"),
        ("locked key", "key", "encrypted"),
        ("no certificate", "certificate", "holds no certificate"),
        ("cut", "certificate", "damaged"),
        ("garbled", "certificate", "cannot be used"),
        ("binary", "certificate", "not in PEM"),
        ("huge", "certificate", "larger than 1 MiB"),
        ("missing ca", "client_ca", "No such file"),
        ("empty ca", "client_ca", "holds no certificate"),
    ],
)
def test_each_fault_is_told_with_its_key(
    papers: Papers, tmp_path: Path, fault: str, key: str, says: str
) -> None:
    with pytest.raises(Unusable) as caught:
        listener(*broken(papers, tmp_path, fault))

    assert caught.value.key == key
    assert says in str(caught.value)


def broken(
    papers: Papers, folder: Path, fault: str
) -> tuple[Path] | tuple[Path, Path] | tuple[Path, None, Path]:
    """Return what to make a listener's seal of."""
    good = papers.issue("good.pem")
    chain, mark, key = good.read_text().rpartition(KEY)
    file, other = folder / "cert.pem", folder / "key.pem"
    contents: dict[str, str | bytes] = {
        "keyless": chain,
        "no certificate": mark + key,
        "cut": good.read_text()[:400],
        "garbled": good.read_text().replace(
            "BEGIN CERTIFICATE-----\n", "BEGIN CERTIFICATE-----\n!"
        ),
        "binary": b"\x30\x82\x01\xff",
        "huge": "#" * ((1 << 20) + 1),
        "foreign key": chain,
        "locked key": chain,
    }
    if fault in contents:
        found = contents[fault]
        file.write_bytes(found if isinstance(found, bytes) else found.encode())
    match fault:
        case "expired":
            return (papers.issue("expired.pem", ends=-1.0),)
        case "future":
            return (papers.issue("future.pem", begins=1.0),)
        case "foreign key":
            foreign = papers.issue("foreign.pem").read_text().rpartition(KEY)
            other.write_text(foreign[1] + foreign[2])
            return file, other
        case "locked key":
            known = load_pem_private_key((mark + key).encode(), None)
            how = BestAvailableEncryption(b"sesame")
            other.write_bytes(known.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
            return file, other
        case "missing ca":
            return good, None, folder / "nowhere"
        case "empty ca":
            file.write_text("nothing")
            return good, None, file
        case _:
            return (file,)
