"""Who serves clients: one process, or several workers."""

from collections.abc import Mapping, Sequence


class Crew:
    """One process alone. `lost` counts workers that ended without having been told to."""

    __slots__ = ("lost",)

    def __init__(self) -> None:
        self.lost = 0

    def __len__(self) -> int:
        """Return how many processes serve."""
        return 1

    @property
    def serves(self) -> bool:
        """Tell whether the client's address is answered."""
        return True

    def rows(self) -> Sequence[Mapping[str, object]]:
        """Return what the status page shows of each worker."""
        return ()
