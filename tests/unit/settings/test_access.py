"""The defaults of access: nobody is kept out, no page of elsewhere is let in."""

from proxy.settings.access import Allow, Cors


def test_nothing_is_trusted_and_no_page_let_in_by_default() -> None:
    assert Allow() == Allow(listen=(), admin=(), trusted_proxies=())
    assert Cors().origins == ()
