"""A credential as a value that never shows itself."""

from typing_extensions import override


class Secret:
    """A credential. Its repr and str never show it; only `reveal()` does."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential itself, for a header on the wire and nothing else."""
        return self._value

    @override
    def __eq__(self, other: object) -> bool:
        """Compare by value, so that a reload sees a changed key."""
        return isinstance(other, Secret) and other._value == self._value

    @override
    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._value)

    @override
    def __repr__(self) -> str:
        """Show nothing of it."""
        return "***"
