"""A credential shows itself to who asks for it, and to nobody else."""

from proxy.settings.credential import Secret


def test_it_is_shown_on_demand_only() -> None:
    secret = Secret("sk-1")

    assert secret.reveal() == "sk-1"
    assert "sk-1" not in f"{secret} {secret!r} {[secret]}"


def test_it_is_compared_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
