"""The TLS settings: what is safe unless somebody says otherwise."""

from proxy.settings.tls import BackendTls, Version


def test_certificates_are_checked_by_default() -> None:
    assert not BackendTls().insecure
    assert BackendTls().seal is None


def test_no_version_before_1_2_can_be_written() -> None:
    assert [one.value for one in Version] == ["1.2", "1.3"]
