"""The limits of keys where several workers serve: what one lets through, the others count."""

from collections.abc import Mapping

from proxy.core.account import Account
from proxy.core.joint_window import JointWindow
from proxy.core.window import Allowance


def window(_kind: str, _name: str, limit: float) -> JointWindow:
    """Return what a limit is counted in."""
    return JointWindow(limit)


def taken(accounts: Mapping[str, Account]) -> dict[str, tuple[float, float]]:
    """Return requests and tokens taken here that the others have not been told of, by key."""
    found = {name: (_told(one.requests), _told(one.tokens)) for name, one in accounts.items()}
    return {name: amounts for name, amounts in found.items() if any(amounts)}


def hear(
    accounts: Mapping[str, Account], keys: Mapping[str, tuple[float, float]], now: float
) -> None:
    """Count what another worker has let through."""
    for name, (requests, tokens) in keys.items():
        account = accounts.get(name)
        if account is not None:
            _heard(account.requests, requests, now)
            _heard(account.tokens, tokens, now)


def _told(allowance: Allowance | None) -> float:
    return allowance.told() if isinstance(allowance, JointWindow) else 0.0


def _heard(allowance: Allowance | None, amount: float, now: float) -> None:
    if isinstance(allowance, JointWindow) and amount:
        allowance.heard(amount, now)
